import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Graph, type Value } from "../graph/graph.ts";
import { operators } from "../graph/ops/index.ts";
import { recipeConfig } from "../models/recipes.ts";
import { scoreStep, servingStep } from "../models/steps.ts";
import { trainStep } from "../models/train-step.ts";
import { compile } from "../runtime/node.ts";
import { stream } from "../tensor/random.ts";
import { bindShape, count, formatSpec, type Tensor, typed } from "../tensor/spec.ts";
import { relativeError } from "../testing/check-op.ts";
import { readOnnx } from "./read.ts";
import { ModelProtoSchema } from "./schema/onnx_pb.ts";
import { writeOnnx } from "./write.ts";

/** A graph as text that depends neither on the order of its nodes nor on that of attributes. */
function formOf(graph: Graph): string {
  const numbers = new Map<Value, string>();
  const lines: string[] = [];
  const shown = (value: unknown): string =>
    JSON.stringify(value, (_, v) =>
      Object.is(v, -0) ? "-0" : Number.isNaN(v) || Math.abs(v) === Infinity ? String(v) : v,
    );
  const visit = (value: Value): string => {
    if (!value.node) return value.name!;
    const before = numbers.get(value);
    if (before !== undefined) return before;
    const { op, inputs, attributes, outputs } = value.node;
    const operands = inputs.map(visit);
    const given = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
    const name = `%${lines.length}`;
    lines.push(
      `${name} ${outputs.map(({ spec }) => formatSpec(spec))} = ${op.name}(${operands}) ${shown(given)}`,
    );
    for (const [i, y] of outputs.entries()) numbers.set(y, `${name}.${i}`);
    return numbers.get(value)!;
  };
  for (const [name, value] of graph.outputs) lines.push(`return ${name} = ${visit(value)}`);
  return lines.join("\n");
}

const again = (graph: Graph): Graph => readOnnx(writeOnnx(graph));

/** Whether a graph of one operator is written as one ONNX node that computes something of what is fed. */
function isOneNode(graph: Graph): boolean {
  const { node } = fromBinary(ModelProtoSchema, writeOnnx(graph)).graph!;
  const computing = node.filter(({ opType }) => opType !== "Constant");
  const [first] = computing;
  return (
    computing.length === 1 && first!.opType !== "Identity" && first!.input.some((x) => graph.inputs.has(x))
  );
}

/** What is read as something equal, by intention. */
const simplified: readonly [RegExp, string][] = [
  [/^power .*"exponent":0.5/, "a square root"],
  [/^(conv|convTranspose|maxPool|averagePool) .*SAME_/, "padding that follows from sizes, as numbers"],
  [/^(maxPool|averagePool) .*"pads":\[1,1,1,1\],"ceil":true/, "where rounding up or down is the same"],
  [/^convTranspose .*"size":\[5,4\]/, "padding that the size decides"],
  [/^(sum|mean|max|min|prod) .*"axes":\[\]/, "reducing no axis changes nothing"],
  [/^slice .*"starts":\[0\],"ends":\[5\]/, "a slice of all"],
  [/^expand .*0\]/, "nothing to repeat"],
  [/^scatterAdd /, "the general scatter of which it is a case"],
];

describe("what is written and read again", () => {
  it.each(operators.map((op) => [op.name, op] as const))("is the same graph: %s", (_, op) => {
    for (const sample of op.samples) {
      const graph = new Graph();
      const inputs = sample.inputs.map(({ dtype, shape }, i) => graph.input(`x${i}`, { dtype, shape }));
      for (const [i, y] of graph.apply(op, inputs, sample.attributes ?? {}).entries())
        graph.output(`y${i}`, y);
      const twice = again(again(graph));
      expect(formOf(again(twice))).toBe(formOf(twice));
      const name = `${op.name} ${JSON.stringify(sample.attributes)}`;
      if (!isOneNode(graph) || simplified.some(([pattern]) => pattern.test(name))) continue;
      expect(formOf(again(graph)), name).toBe(formOf(graph));
    }
  });

  const config = recipeConfig({ recipe: "sasrec" });
  const dot = { ...config, scoring: { ...config.scoring, similarity: "dot" as const } };
  const small = { items: 20, rows: 2, width: 64 };

  it.each([
    ["scores", scoreStep(dot, 20)],
    ["serving", servingStep(dot, 20)],
  ])("is the same graph: %s", (_, graph) => {
    valued(graph);
    expect(formOf(again(graph))).toBe(formOf(graph));
  });

  it.each([
    ["training", trainStep(config, small).graph],
    ["scores", scoreStep(config, 20)],
    ["serving", servingStep(config, 20)],
  ])("computes the same: %s", async (_, graph) => {
    valued(graph);
    const once = again(graph);
    expect(formOf(again(once))).toBe(formOf(once));
    const feeds = feedsOf(graph);
    const [before, after] = await Promise.all([graph, once].map(async (g) => (await compile(g)).run(feeds)));
    for (const [name, { data }] of Object.entries(before!))
      expect(relativeError(after![name]!.data as Float32Array, data as Float32Array), name).toBeLessThan(
        1e-6,
      );
  });
});

const draws = stream(5, "round trip");

const noise = (shape: readonly number[]): Tensor => ({
  data: draws.fillNormal(new Float32Array(count(shape)), 0.1),
  shape,
});

function valued(graph: Graph): void {
  for (const param of graph.params.values()) param.data = noise(param.value.shape as number[]);
}

/** Positive numbers for every input, whole ones where it takes indices. */
function feedsOf(graph: Graph): Record<string, Tensor> {
  return Object.fromEntries(
    [...graph.inputs].map(([name, { shape, dtype }]) => {
      const bound = bindShape(shape, { R: 2, Q: 3, B: 2 }) as number[];
      const values = Array.from({ length: count(bound) }, () => draws.below(5));
      return [name, { data: typed(dtype, values), shape: bound }];
    }),
  );
}
