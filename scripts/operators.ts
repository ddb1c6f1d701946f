/** @file Writes docs/operators.md from the operators, their samples and the ONNX cases that the tests run. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { gradient } from "../src/autodiff/gradient.ts";
import { Graph, reachableNodes } from "../src/graph/graph.ts";
import type { OpDef, Sample } from "../src/graph/op.ts";
import { operators } from "../src/graph/ops/index.ts";
import { type Case, conformanceCases } from "../src/onnx/cases.fixture.ts";
import { opsets } from "../src/onnx/model.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { rules } from "../src/onnx/rules/index.ts";
import { ModelProtoSchema } from "../src/onnx/schema/onnx_pb.ts";
import { sourceNode } from "../src/onnx/source.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { ShapeError } from "../src/tensor/errors.ts";
import { isFloat } from "../src/tensor/spec.ts";

type Slope = "yes" | "zero" | "none" | `no: ${string}`;

/** What the gradient of a graph's first float output is, with respect to everything that is float. */
function slopeOf(graph: Graph): Slope {
  const of = [...graph.outputs].find(([, value]) => isFloat(value.dtype))?.[0];
  const params = [...graph.params].map(([name, { value }]) => [name, value] as const);
  const wrt = [...graph.inputs, ...params].flatMap(([name, value]) => (isFloat(value.dtype) ? [name] : []));
  if (of === undefined || wrt.length === 0) return "none";
  try {
    const derived = gradient(graph, { of, wrt, cotangent: "arriving gradient" });
    const flows = wrt.some((name) => derived.value(`d/${name}`).node?.op.name !== "fill");
    return flows ? "yes" : "zero";
  } catch (error) {
    // The rest of the sentence names the value in the case.
    if (error instanceof ShapeError) return `no: ${error.message.replace("gradient: ", "").split(";")[0]}`;
    throw error;
  }
}

/** One word for several cases, or what stands against it. */
function summary(slopes: readonly Slope[]): string {
  const refused = slopes.find((slope) => slope.startsWith("no: "));
  if (slopes.includes("yes")) return refused ? `yes; ${refused}` : "yes";
  return refused ?? (slopes.includes("zero") ? "zero" : "–");
}

function traced(op: OpDef, sample: Sample<object>): Graph {
  const graph = new Graph();
  const inputs = sample.inputs.map(({ dtype, shape }, i) => graph.input(`x${i}`, { dtype, shape }));
  for (const [i, y] of graph.apply(op, inputs, sample.attributes ?? {}).entries()) graph.output(`y${i}`, y);
  return graph;
}

const typesIn = (model: Uint8Array): string[] =>
  fromBinary(ModelProtoSchema, model).graph!.node.map((node) => sourceNode(node, new Map()).type);

const distinct = (names: Iterable<string>): string =>
  [...new Set(names)].map((name) => `\`${name}\``).join(" ");

/** Glue between the nodes that matter. */
const glue = new Set(["Constant", "Identity"]);

function ownRow(op: OpDef): string[] {
  const graphs = op.samples.map((sample) => traced(op, sample));
  const types = graphs.flatMap((graph) => typesIn(writeOnnx(graph)));
  const form = types.every((type) => glue.has(type)) ? types : types.filter((type) => !glue.has(type));
  const dtypes = op.samples.flatMap(({ inputs }) => inputs.map(({ dtype }) => dtype));
  return [
    `\`${op.name}\``,
    distinct(form),
    summary(graphs.map(slopeOf)),
    "float64",
    [...new Set(dtypes)].join(" "),
    String(op.samples.length),
  ];
}

/** Cases of each type that are read, those with one such node and nothing else but constants. */
function casesByType(): Map<string, Case[]> {
  const found = new Map<string, Case[]>(
    Object.keys(rules)
      .sort()
      .map((type) => [type, []]),
  );
  for (const each of [...conformanceCases().values()].flat()) {
    const types = typesIn(each.model);
    const [type, ...others] = types.length === 1 ? types : types.filter((name) => name !== "Constant");
    if (type !== undefined && others.length === 0) found.get(type)?.push(each);
  }
  return found;
}

function readRow(type: string, cases: readonly Case[]): string[] {
  const graphs = cases.map(({ model }) => readOnnx(model));
  const used = graphs.flatMap((graph) => reachableNodes(graph).map(({ op }) => op.name));
  const versions = [...new Set(cases.map(({ opset }) => opset))].sort((a, b) => a - b);
  return [
    `\`${type}\``,
    distinct(used.filter((name, _, all) => name !== "constant" || new Set(all).size === 1)) || "its input",
    summary(graphs.map(slopeOf)),
    `${cases.length} (opset${versions.length === 1 ? "" : "s"} ${versions.join(", ")})`,
  ];
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);

/** The whole page. */
export function operatorsPage(): string {
  const reading = [...casesByType()].map(([type, cases]) => readRow(type, cases));
  return [
    "# Operators",
    "",
    "Written by `npm run tables` from the operators themselves and from the cases that the tests run.",
    "",
    `## ${reading.length} ONNX operators that are read`,
    "",
    `Of opsets ${opsets.oldest} to ${opsets.newest}, with the attributes of older and the inputs of newer versions. *Forward*: the operators of`,
    "the engine that the cases are translated to; what is known in advance is computed while reading. *Gradient*: `yes`;",
    "`zero` where the result is constant in every neighbourhood; `–` where nothing is a float. *Cases*: models with inputs and",
    "outputs, most of them the ONNX project's own, which are read, written, read again, compiled and run. Anything else, and",
    "control flow that depends on what is fed, is refused in one error that lists all of it.",
    "",
    ...table(["operator", "forward: becomes", "gradient", "cases"], reading),
    "",
    `## ${operators.length} operators of the engine`,
    "",
    "Each has a shape rule, a gradient rule, an ONNX form and a float64 reference. The tests compare ONNX Runtime with the",
    "reference, the gradient rule with central differences and the backward graph with both, on every sample, and check",
    "that wrong versions of the operator are caught. *Element types*: those of the samples' inputs.",
    "",
    ...table(
      ["operator", "forward: written as", "gradient", "reference", "element types", "samples"],
      operators.map(ownRow),
    ),
    "",
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(import.meta.dirname, "../..", "docs", "operators.md"), operatorsPage());
}
