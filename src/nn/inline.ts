/** @file A network that was read from a file becomes part of a model that is traced. */
import { type Graph, reachableNodes, type Value } from "../graph/graph.ts";
import type { Params } from "./params.ts";
import { isAddition } from "./weights.ts";

export interface InlineOptions {
  /** What stands for the network's inputs, by their names. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** Values of the network that are asked for: only what they depend on becomes part of the model. */
  readonly wanted: readonly Value[];
  /** Step size of the network's own weights as a share of the usual one; what `lora` and `adapters` added has the usual. */
  readonly rate?: number;
}

/**
 * Traces a network in the scope `p`: what `wanted` is called there. Its parameters keep their names below the scope and
 * start as they are; those that are frozen, and those that are no float32, are constants of the model.
 */
export function inline(p: Params, network: Graph, { inputs, wanted, rate = 1 }: InlineOptions): Value[] {
  const nodes = reachableNodes(network, wanted);
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...wanted]);
  const values = new Map<Value, Value>();
  for (const [name, value] of network.inputs) if (used.has(value)) values.set(value, inputs[name]!);
  for (const [name, { value, data }] of network.params) {
    if (!used.has(value)) continue;
    const trained = value.dtype === "float32" && !network.frozen.has(name);
    const scope = isAddition(name) ? p : p.paced(rate);
    const own = trained
      ? scope.weight(name, data!.shape, { values: data! })
      : p.constant(name, value.spec, { values: data });
    values.set(value, own);
  }
  for (const { op, inputs: from, attributes, outputs } of nodes) {
    const made = p.graph.apply(
      op,
      from.map((x) => values.get(x)!),
      attributes,
    );
    outputs.forEach((y, i) => {
      values.set(y, made[i]!);
    });
  }
  return wanted.map((x) => values.get(x)!);
}
