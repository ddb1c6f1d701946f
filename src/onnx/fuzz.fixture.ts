/** @file Reads, compiles and runs damaged ONNX files in a process of its own: node fuzz.fixture.js FIRST COUNT LIST */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { gradient } from "../autodiff/gradient.ts";
import { type Graph, reachableNodes } from "../graph/graph.ts";
import { trainable } from "../nn/adapt.ts";
import { compile } from "../runtime/node.ts";
import { ConfigError, DataError, RuntimeFailure, ShapeError } from "../tensor/errors.ts";
import { stream } from "../tensor/random.ts";
import {
  arrayType,
  type Bindings,
  bindShape,
  count,
  isFloat,
  type Tensor,
  type TensorSpec,
} from "../tensor/spec.ts";
import { mutateBytes, mutateFields } from "./mutate.fixture.ts";
import { readOnnx } from "./read.ts";

export interface FuzzReport {
  readonly cases: number;
  readonly refused: number;
  /** Read, but not run: too large for a test, or refused by ONNX Runtime. */
  readonly read: number;
  readonly ran: number;
  /** What should not be: a case with what it threw. */
  readonly faults: readonly string[];
  readonly peakMegabytes: number;
  readonly slowest: { readonly name: string; readonly milliseconds: number };
}

/** Larger programs are read, but not run. */
const mostElements = 2 ** 20;

type Outcome = "refused" | "read" | "ran";

/** Our errors, each of one line. */
function check(error: unknown, classes: readonly (new (...args: never[]) => Error)[]): void {
  const { message } = error as Error;
  if (!classes.some((type) => error instanceof type) || message.includes("\n") || message.length > 1500)
    throw error;
}

async function attempt(bytes: Uint8Array): Promise<Outcome> {
  let graph: Graph;
  try {
    graph = readOnnx(bytes);
  } catch (error) {
    check(error, [DataError]);
    return "refused";
  }
  differentiate(graph);
  const feeds = feedsFor(graph);
  if (!feeds) return "read";
  const program = await compile(graph, { threads: 1 });
  try {
    await program.run(feeds);
    return "ran";
  } catch (error) {
    check(error, [RuntimeFailure, ConfigError, ShapeError]);
    return "read";
  } finally {
    await program.dispose();
  }
}

/** Whatever reads can be asked for gradients, which are there or refused. */
function differentiate(graph: Graph): void {
  const of = [...graph.outputs].find(([, { dtype }]) => isFloat(dtype))?.[0];
  const inputs = [...graph.inputs].flatMap(([name, { dtype }]) => (isFloat(dtype) ? [name] : []));
  if (of === undefined) return;
  try {
    gradient(graph, { of, wrt: [...inputs, ...trainable(graph)], cotangent: "arriving gradient" });
  } catch (error) {
    check(error, [ShapeError]);
  }
}

/** Ones for every input, with open sizes of 2; null where a value of the program would be large. */
function feedsFor(graph: Graph): Record<string, Tensor> | null {
  const names = [...graph.inputs.values()].flatMap(({ shape }) => shape.filter((d) => typeof d === "string"));
  const bindings: Bindings = Object.fromEntries(names.map((name) => [name, 2]));
  const size = ({ shape }: TensorSpec): number => {
    const bound = bindShape(shape, bindings);
    return bound.every((d) => typeof d === "number") ? count(bound) : Number.POSITIVE_INFINITY;
  };
  const made = reachableNodes(graph).flatMap(({ outputs }) => outputs);
  const total = [...made, ...graph.inputs.values()].reduce((sum, { spec }) => sum + size(spec), 0);
  if (!(total <= mostElements)) return null;
  return Object.fromEntries(
    [...graph.inputs].map(([name, { dtype, shape }]) => {
      const bound = bindShape(shape, bindings) as number[];
      const data = new (arrayType(dtype))(count(bound));
      return [name, { data: dtype === "int64" ? data : (data as Float32Array).fill(1), shape: bound }];
    }),
  );
}

/** One damaged file of a run; 2 of 5 are damaged as bytes, the others through the schema. */
export function damaged(files: readonly Uint8Array[], index: number): Uint8Array {
  const random = stream(3, "fuzz", index);
  const file = files[index % files.length]!;
  return random.below(5) < 2 ? mutateBytes(file, random) : mutateFields(file, random);
}

async function fuzz(files: readonly Uint8Array[], first: number, cases: number): Promise<FuzzReport> {
  const outcomes = { refused: 0, read: 0, ran: 0 };
  const faults: string[] = [];
  let slowest = { name: "", milliseconds: 0 };
  for (let index = first; index < first + cases; index++) {
    process.stderr.write(`${index}\n`); // the last line tells which case ended the process
    const start = performance.now();
    try {
      outcomes[await attempt(damaged(files, index))]++;
    } catch (error) {
      faults.push(`case ${index}: ${(error as Error).stack}`);
    }
    const milliseconds = performance.now() - start;
    if (milliseconds > slowest.milliseconds) slowest = { name: String(index), milliseconds };
  }
  const peakMegabytes = process.resourceUsage().maxRSS / 1024;
  return { cases, ...outcomes, faults, peakMegabytes, slowest };
}

if (basename(process.argv[1] ?? "") === basename(import.meta.filename)) {
  const [first, cases, list] = process.argv.slice(2) as [string, string, string];
  const paths = JSON.parse(await readFile(list, "utf8")) as string[];
  const files = await Promise.all(paths.map(async (path) => new Uint8Array(await readFile(path))));
  const report = await fuzz(files, Number(first), Number(cases));
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
