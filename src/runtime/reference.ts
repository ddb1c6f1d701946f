/** @file The reference runtime: every operator's float64 meaning, one node after the other. The oracle of the tests. */
import { evaluate } from "../graph/evaluate.ts";
import { type Graph, usedValues, type Value } from "../graph/graph.ts";
import { ConfigError } from "../tensor/errors.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import {
  type Bindings,
  bindShape,
  count,
  type DType,
  knownShape,
  numbers,
  type Tensor,
  typed,
} from "../tensor/spec.ts";
import { bindingsOf, type Draw, fedValues, type Runtime } from "./runtime.ts";

/** Evaluates the graph's outputs in float64. */
export function evaluateReference(
  graph: Graph,
  feeds: Readonly<Record<string, NdArray>>,
  bindings: Bindings = {},
): Record<string, NdArray> {
  const values = new Map<Value, NdArray>();
  for (const [name, value] of graph.inputs) if (feeds[name]) values.set(value, feeds[name]);
  for (const [name, { value, data }] of graph.params) {
    const given = feeds[name] ?? (data ? toNdArray(data) : undefined);
    if (given) values.set(value, given);
  }
  const missing = ({ name }: Value) =>
    new ConfigError("missing-input", `reference: "${name}" has no values`, { name });
  const results = evaluate([...graph.outputs.values()], values, bindings, missing);
  return Object.fromEntries([...graph.outputs.keys()].map((name, i) => [name, results[i]!]));
}

export const toNdArray = ({ data, shape }: Tensor): NdArray => ({ data: numbers(data), shape });

export const fromNdArray = ({ data, shape }: NdArray, dtype: DType): Tensor => ({
  data: typed(dtype, data),
  shape,
});

function drawInputs(graph: Graph, bindings: Bindings, { seed, index }: Draw): Record<string, NdArray> {
  return Object.fromEntries(
    [...graph.randoms].map(([name, { keep }]) => {
      const shape = knownShape(bindShape(graph.inputs.get(name)!.shape, bindings), name);
      const data = stream(seed, name, index).fillDropoutMask(new Float32Array(count(shape)), keep);
      return [name, toNdArray({ data, shape })];
    }),
  );
}

export const referenceRuntime: Runtime = {
  name: "reference",
  async compile(graph, { params = "stored" } = {}) {
    return {
      async run(feeds, draw) {
        const used = usedValues(graph);
        const fed = fedValues(graph, params);
        const bindings = bindingsOf(
          fed,
          feeds,
          (name) => !used.has(fed.get(name)!) || (draw !== undefined && graph.randoms.has(name)),
        );
        const drawn = draw ? drawInputs(graph, bindings, draw) : {};
        const inputs = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toNdArray(t)]));
        const outputs = evaluateReference(graph, { ...drawn, ...inputs }, bindings);
        return Object.fromEntries(
          Object.entries(outputs).map(([name, x]) => [name, fromNdArray(x, graph.outputs.get(name)!.dtype)]),
        );
      },
      dispose: async () => {},
    };
  },
  dispose: async () => {},
};
