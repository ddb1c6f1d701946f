/** @file Low-rank adaptation: W + scale·B·A beside weights that stay as they are (Hu et al. 2021, arXiv:2106.09685). */
import { cloneGraph, type Graph, type Node, type Param, reachableNodes, type Value } from "../graph/graph.ts";
import { add } from "../graph/ops/index.ts";
import { ConfigError } from "../tensor/errors.ts";
import { isFloat } from "../tensor/spec.ts";
import {
  beside,
  declareUpdate,
  difference,
  type Form,
  formOf,
  type Merge,
  mergedWeight,
  type Update,
} from "./low-rank.ts";
import { failToMatch, isExact, listed, matches, type Patterns } from "./patterns.ts";
import { flipsOf, isOwn, layerOperators, originOf, useOf } from "./weights.ts";

export interface LoraOptions {
  /** Columns of the first and rows of the second factor of an update. */
  readonly rank: number;
  /**
   * Weights of matrix products and convolutions, by their names or by the name that the file gives to the product
   * ("/encoder/layer.0/attention/query/MatMul_output_0"). Other matrices (tables of embeddings) must be named exactly.
   */
  readonly targets: Patterns;
  /** The update is scaled by alpha/rank; by default alpha = rank. */
  readonly alpha?: number;
  readonly seed?: number;
}

/** What is stored in the metadata for each weight, so that a file that was written can still be merged. */
interface Entry extends Merge {
  /** Whether the weight was frozen before. */
  readonly frozen: boolean;
}

const entriesOf = (graph: Graph): Record<string, Entry> => JSON.parse(graph.metadata.lora ?? "{}");

/**
 * The network with a low-rank update beside each target weight NAME, in new parameters `NAME.lora.a` (noise) and
 * `NAME.lora.b` (zero, so that nothing changes at the start). The weights become frozen; other parameters stay as they
 * are: `freeze(graph, "*")` before leaves only the updates to be trained.
 *
 * @throws ConfigError for a pattern that matches no such weight
 */
export function lora(graph: Graph, { rank, targets, alpha = rank, seed = 0 }: LoraOptions): Graph {
  if (!Number.isInteger(rank) || rank < 1)
    throw new ConfigError("rank", `lora: the rank must be a whole number above 0, not ${rank}`, { rank });
  const entries = entriesOf(graph);
  const chosen = weightsFor(graph, targets);
  for (const [{ name }, form] of chosen) {
    if (entries[name!])
      throw new ConfigError("twice", `lora: "${name}" has an update already; merge it first`, { name });
    entries[name!] = { form, scale: alpha / rank, frozen: graph.frozen.has(name!) };
  }
  const updates = new Map<string, Update>();
  const updateOf = (weight: Value): Update => {
    const name = weight.name!;
    const update = updates.get(name) ?? declareUpdate(weight, name, { ...entries[name]!, rank, seed });
    updates.set(name, update);
    return update;
  };
  const flips = flipsOf(graph);
  const { graph: copy } = cloneGraph(graph, {
    node(node, inputs, into) {
      const plain = (values = inputs) => into.apply(node.op, values, node.attributes);
      const uses = node.inputs
        .map((_, i) => useOf(node, i))
        .filter(
          ({ weight, flipped, at }) => chosen.has(weight) && (!flipped || flips.has(node.inputs[at]!.node!)),
        );
      if (uses.length === 0 || flips.has(node)) return plain();
      const adapted = [...inputs];
      for (const use of uses) {
        const x = inputs[use.at]!;
        const weight = use.flipped ? x.node!.inputs[0]! : x;
        const update = updateOf(weight);
        const change = uses.length === 1 ? beside(node, inputs, use, update) : null;
        if (change) return [add(plain()[0]!, change)];
        const whole = add(weight, difference(weight, update));
        adapted[use.at] = use.flipped ? into.apply(x.node!.op, [whole], x.node!.attributes)[0]! : whole;
      }
      return plain(adapted);
    },
  });
  for (const { name } of chosen.keys()) copy.frozen.add(name!);
  copy.metadata.lora = JSON.stringify(entries);
  return copy;
}

/** The chosen weights with the layouts of their updates. */
function weightsFor(graph: Graph, targets: Patterns): Map<Value, Form> {
  const matrices = matricesOf(graph);
  const chosen = new Map<Value, Form>();
  for (const pattern of listed(targets)) {
    const hits = [...matrices].filter(
      ([, { layer, names }]) => (layer || isExact(pattern)) && names.some((name) => matches(pattern, name)),
    );
    if (hits.length === 0) {
      const known = [...matrices.values()].flatMap(({ layer, names }) => (layer ? names : []));
      failToMatch("lora", pattern, "weight of a matrix product or convolution", known);
    }
    for (const [weight, { form }] of hits) chosen.set(weight, form);
  }
  return chosen;
}

interface Matrix {
  readonly form: Form;
  /** Whether it is the weight of a matrix product or convolution. */
  readonly layer: boolean;
  /** Its own name, and those of what is computed with it. */
  readonly names: readonly string[];
}

/** Float parameters of two axes or more that something is computed with. */
function matricesOf(graph: Graph): Map<Value, Matrix> {
  const labels = new Map<Value, string[]>();
  for (const [label, value] of graph.labels) labels.set(value, [...(labels.get(value) ?? []), label]);
  const found = new Map<Value, Matrix & { readonly direct: boolean }>();
  for (const node of graph.nodes) {
    const layer = layerOperators.has(node.op.name);
    node.inputs.forEach((x, i) => {
      const weight = originOf(x);
      if (!isOwn(weight) || !isFloat(weight.dtype) || weight.rank < 2) return;
      const use = useOf(node, i);
      const direct = layer && use.weight === weight;
      const before = found.get(weight);
      const form = direct ? formOf(node, use) : weight.rank > 2 ? "conv" : "ab";
      found.set(weight, {
        form: before && (before.direct || !direct) ? before.form : form,
        direct: direct || (before?.direct ?? false),
        layer: layer || (before?.layer ?? false),
        names: [...(before?.names ?? [weight.name!]), ...(layer ? (labels.get(node.outputs[0]!) ?? []) : [])],
      });
    });
  }
  return found;
}

/**
 * The network with its updates added to the weights: again the architecture and the names from before `lora`.
 *
 * @throws ConfigError where there is nothing to merge, values are missing, or the updates are used by more than their layers
 */
export function mergeLora(graph: Graph): Graph {
  const entries = Object.entries(entriesOf(graph));
  if (entries.length === 0) throw new ConfigError("no-lora", "mergeLora: the graph has no low-rank updates");
  const parts = entries.map(([name, entry]) => {
    const [w, a, b] = ["", ".lora.a", ".lora.b"].map((part) => paramOf(graph, name + part));
    return { name, entry, w: w!, a: a!, b: b! };
  });
  const { omit, ends } = traceUpdates(
    graph,
    parts.flatMap(({ a, b }) => [a.value, b.value]),
    parts.map(({ w }) => w.value),
  );
  const { graph: copy } = cloneGraph(graph, {
    omit,
    node: (node, inputs, into) => {
      const end = ends.get(node);
      return end === undefined ? into.apply(node.op, inputs, node.attributes) : [inputs[end]!];
    },
  });
  for (const { name, entry, w, a, b } of parts) {
    if (!w.data || !a.data || !b.data) {
      const message = `mergeLora: "${name}" or its update has no values; provide them first`;
      throw new ConfigError("no-values", message, { name });
    }
    copy.params.get(name)!.data = mergedWeight(w.data, a.data, b.data, entry);
    if (!entry.frozen) copy.frozen.delete(name);
  }
  delete copy.metadata.lora;
  return copy;
}

function paramOf(graph: Graph, name: string): Param {
  const found = graph.params.get(name);
  if (!found) throw new ConfigError("no-lora", `mergeLora: parameter "${name}" is missing`, { name });
  return found;
}

/** What is computed from the factors alone, and the additions (with the operand to keep) where that ends. */
function traceUpdates(graph: Graph, factors: readonly Value[], weights: readonly Value[]) {
  const omit = new Set(factors);
  const ends = new Map<Node, number>();
  const live = new Set(reachableNodes(graph));
  const isLayer = (x: Value): boolean =>
    [x, ...(x.node?.inputs ?? []).map(originOf)].some((y) => weights.includes(y));
  const refuse = (what: string): never => {
    throw new ConfigError("used", `mergeLora: a low-rank update is used by ${what}; merge the plain network`);
  };
  for (const node of graph.nodes) {
    const kept = node.inputs.findIndex((x) => !omit.has(x));
    if (!node.inputs.some((x) => omit.has(x))) continue;
    const { op, outputs } = node;
    if (op.name === "add" && kept >= 0 && isLayer(node.inputs[kept]!)) {
      ends.set(node, kept);
      continue;
    }
    const linear = ["matmul", "conv", "mul", "reshape"].includes(op.name) || op.selects;
    if (live.has(node) && !linear) refuse(`"${op.name}"`);
    for (const y of outputs) omit.add(y);
  }
  for (const [name, value] of graph.outputs) if (omit.has(value)) refuse(`output "${name}"`);
  return { omit, ends };
}
