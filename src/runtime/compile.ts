/** @file Compiles a graph into programs of whatever opens sessions: in this process, in a worker or in a browser. */
import { Graph, usedValues, type Value } from "../graph/graph.ts";
import { add } from "../graph/ops/index.ts";
import { writeOnnx } from "../onnx/write.ts";
import { RuntimeFailure } from "../tensor/errors.ts";
import {
  type Bindings,
  bindShape,
  type DType,
  elementBytes,
  f32,
  formatSpec,
  knownShape,
  sizeOf,
  type Tensor,
} from "../tensor/spec.ts";
import { lostSession, type RandomSpec, type Session, type SessionOptions } from "./ort.ts";
import {
  bindingsKey,
  bindingsOf,
  type Draw,
  type Feeds,
  fedValues,
  type Program,
  type RuntimeOptions,
} from "./runtime.ts";

/** Opens a session for ONNX bytes. */
export type OpenSession = (
  bytes: Uint8Array,
  types: Record<string, DType>,
  options: SessionOptions,
) => Promise<Session>;

/**
 * Compiles a graph once for each set of bound shapes and keeps the sessions. A program with a tensor larger than
 * `memory` (bytes) is refused before anything is allocated for it. A run whose session is lost on the way is tried once
 * more in a new one.
 */
export function compileWith(
  open: OpenSession,
  graph: Graph,
  options: RuntimeOptions = {},
  memory = Number.POSITIVE_INFINITY,
): Program {
  const { params = "stored", shapes = "bound", ...others } = options;
  const fed = fedValues(graph, params);
  const types = Object.fromEntries([...fed].map(([name, value]) => [name, value.dtype]));
  const used = usedValues(graph);
  const sessions = new Map<string, Promise<Session>>();
  const sessionFor = (feeds: Feeds, draw?: Draw): Promise<Session> => {
    const optional = (name: string): boolean =>
      !used.has(fed.get(name)!) || (draw !== undefined && graph.randoms.has(name));
    const found = bindingsOf(fed, feeds, optional);
    // Random inputs are drawn for one shape, so graphs that have some are always bound.
    const bindings = shapes === "bound" || graph.randoms.size > 0 ? found : {};
    const key = bindingsKey(bindings);
    let session = sessions.get(key);
    if (!session) {
      refuseHuge(used, found, memory);
      const bytes = writeOnnx(graph, { bindings, params: places[params] });
      session = open(bytes, types, { ...others, randoms: randomSpecs(graph, found) });
      session.catch(() => sessions.delete(key)); // what failed is tried again, and is nothing to release
      sessions.set(key, session);
    }
    return session;
  };
  async function run(feeds: Feeds, draw: Draw | undefined, retry: boolean): Promise<Record<string, Tensor>> {
    const session = sessionFor(feeds, draw);
    try {
      return await (await session).run(feeds, draw);
    } catch (error) {
      if (!(error instanceof RuntimeFailure) || error.code !== lostSession) throw error;
      for (const [key, kept] of sessions) if (kept === session) sessions.delete(key);
      if (!retry) throw error;
      return run(feeds, draw, false);
    }
  }
  return {
    run: (feeds, draw) => run(feeds, draw, true),
    async dispose() {
      for (const session of sessions.values()) await (await session).release();
      sessions.clear();
    },
  };
}

/** Where the file has the parameters. */
const places = { stored: "initializers", fed: "inputs", trained: "trained-inputs" } as const;

/** Refuses what no machine of that memory can hold, however it is computed. @throws RuntimeFailure */
function refuseHuge(values: ReadonlySet<Value>, bindings: Bindings, memory: number): void {
  for (const { spec, node, name } of values) {
    const elements = sizeOf(bindShape(spec.shape, bindings));
    const bytes = typeof elements === "number" ? elements * elementBytes[spec.dtype] : 0;
    if (bytes <= memory) continue;
    const gigabytes = (size: number): string =>
      `${(size / 1e9).toLocaleString("en-US", { maximumFractionDigits: 0 })} GB`;
    throw new RuntimeFailure(
      "memory",
      `run: ${node?.op.name ?? name} would be ${formatSpec({ ...spec, shape: bindShape(spec.shape, bindings) })}, which takes ${gigabytes(bytes)}; this machine has ${gigabytes(memory)}`,
    );
  }
}

const randomSpecs = (graph: Graph, bindings: Bindings): Record<string, RandomSpec> =>
  Object.fromEntries(
    [...graph.randoms].map(([name, { keep }]) => {
      const shape = bindShape(graph.inputs.get(name)!.shape, bindings);
      return [name, { keep, shape: knownShape(shape, `random input ${name}`) }];
    }),
  );

/** y = x + 1: where this fails, the fault is not the program's. */
export function leastProgram(): Graph {
  const graph = new Graph();
  graph.output("y", add(graph.input("x", f32(1)), 1));
  return graph;
}
