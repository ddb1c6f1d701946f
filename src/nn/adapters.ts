/** @file Bottleneck adapters behind the layers of a network that stays as it is (Houlsby et al. 2019, arXiv:1902.00751). */
import { cloneGraph, type Graph, type Node, type Value } from "../graph/graph.ts";
import { add, matmul, reshape } from "../graph/ops/index.ts";
import { ConfigError } from "../tensor/errors.ts";
import { stream } from "../tensor/random.ts";
import { count, formatSpec, isFloat, normalizeAxis, sizeOf, typed } from "../tensor/spec.ts";
import { type Activation, activations } from "./layers.ts";
import { failToMatch, isExact, listed, matches, type Patterns } from "./patterns.ts";
import { isAddition, isOwn, layerOperators, originOf } from "./weights.ts";

export interface AdapterOptions {
  /** Width of the bottleneck. */
  readonly size: number;
  /**
   * Where adapters go: behind the layers whose weight or bias has such a name, behind values that have such a name in the
   * file ("/encoder/layer.0/output/dense/Add_output_0"), or behind outputs of the graph. Wildcards choose layers only.
   */
  readonly after: Patterns;
  /** "gelu" by default. */
  readonly activation?: Activation;
  /** The axis that is adapted; by default the channels (1) behind a convolution, the last axis elsewhere. */
  readonly axis?: number;
  readonly seed?: number;
}

/** Standard deviation of the first matrix at the start (Houlsby et al. 2019, section 3.6). */
const deviation = 0.01;

/**
 * The network with y + W₂·f(W₁·y + b₁) + b₂ in place of each chosen y. W₂ and both biases start at zero, so that nothing
 * changes at the start. The parameters are called `NAME.adapter.down.weight`, `.down.bias`, `.up.weight` and
 * `.up.bias`, NAME being what was matched. Other parameters stay as they are: `freeze(graph, "*")` before leaves only the
 * adapters to be trained.
 *
 * @throws ConfigError for a pattern that matches no such place
 */
export function adapters(graph: Graph, options: AdapterOptions): Graph {
  const { size, after, activation = "gelu", axis, seed = 0 } = options;
  if (!Number.isInteger(size) || size < 1)
    throw new ConfigError("size", `adapters: the size must be a whole number above 0, not ${size}`, { size });
  const places = placesFor(graph, after);
  return cloneGraph(graph, {
    node: (node, inputs, into) =>
      into.apply(node.op, inputs, node.attributes).map((y, i) => {
        const original = node.outputs[i]!;
        const name = places.get(original);
        const convolved = layerOf(original)?.op.name.startsWith("conv");
        const along = axis ?? (convolved ? 1 : -1);
        return name === undefined ? y : adapted(y, name, { size, activation, axis: along, seed });
      }),
  }).graph;
}

/** y + W₂·f(W₁·y + b₁) + b₂ along an axis. */
function adapted(y: Value, name: string, options: Required<Omit<AdapterOptions, "after">>): Value {
  const { size, activation, seed } = options;
  const axis = normalizeAxis(options.axis, y.rank, "adapters");
  const width = y.shape[axis]!;
  if (typeof width !== "number" || !isFloat(y.dtype)) {
    const message = `adapters: behind "${name}" is ${formatSpec(y.spec)}; axis ${axis} needs a known size of floats`;
    throw new ConfigError("axis", message, { name });
  }
  const param = (part: string, shape: readonly number[], data?: Float32Array): Value => {
    const full = `${name}.adapter.${part}`;
    const known = y.graph.params.get(full);
    if (known) return known.value; // layers that share a weight share the adapter
    const values = typed(y.dtype, data ?? new Float32Array(count(shape)));
    return y.graph.param(full, { dtype: y.dtype, shape }, { data: values, shape });
  };
  const last = axis === y.rank - 1;
  // Behind the last axis [I, O] and x·W; elsewhere, as in convolutions, [O, I] and W·x over what follows the axis.
  const x = last ? y : reshape(y, [...y.shape.slice(0, axis + 1), sizeOf(y.shape.slice(axis + 1))]);
  const layer = (from: Value, part: string, inputs: number, outputs: number, noise?: Float32Array): Value => {
    const w = param(`${part}.weight`, last ? [inputs, outputs] : [outputs, inputs], noise);
    const b = param(`${part}.bias`, [outputs]);
    return last ? add(matmul(from, w), b) : add(matmul(w, from), reshape(b, [outputs, 1]));
  };
  const noise = stream(seed, "adapter", name).fillNormal(new Float32Array(width * size), deviation);
  const inner = activations[activation](layer(x, "down", width, size, noise));
  return add(y, reshape(layer(inner, "up", size, width), y.shape));
}

/** The matrix product or convolution with a weight of its own whose result, with bias and update, a value is. */
function layerOf({ node }: Value): Node | null {
  if (!node) return null;
  const { op, inputs } = node;
  if (layerOperators.has(op.name)) return inputs.some((x) => isOwn(originOf(x))) ? node : null;
  const inner = op.name === "add" && inputs.some((x) => isOwn(x) || isUpdate(x));
  return inner ? (inputs.map(layerOf).find((layer) => layer !== null) ?? null) : null;
}

const isUpdate = ({ node }: Value): boolean => node?.inputs.some((x) => isAddition(x.name ?? "")) ?? false;

/** Values to adapt, with the names that the parameters get. */
function placesFor(graph: Graph, after: Patterns): Map<Value, string> {
  const named = new Map([...graph.labels, ...graph.outputs].filter(([, { node }]) => node !== null));
  const layers = layerEnds(graph, named);
  const places = new Map<Value, string>();
  for (const pattern of listed(after)) {
    const hits = [...layers].flatMap(([end, names]): [Value, string][] => {
      const name = names.find((n) => matches(pattern, n));
      return name === undefined ? [] : [[end, name]];
    });
    const value = isExact(pattern) ? named.get(pattern) : undefined;
    if (hits.length === 0 && value) hits.push([value, pattern as string]);
    if (hits.length === 0) failToMatch("adapters", pattern, "layer or value", [...layers.values()].flat());
    for (const [end, name] of hits) if (!places.has(end)) places.set(end, name);
  }
  return places;
}

/** What each layer gives in the end, with all names that the layer goes by. */
function layerEnds(graph: Graph, named: ReadonlyMap<string, Value>): Map<Value, string[]> {
  const ends = new Map<Node, Value>(); // a bias comes behind the product, so that the last one found counts
  const names = new Map<Node, string[]>();
  for (const node of graph.nodes) {
    const layer = layerOf(node.outputs[0]!);
    if (!layer) continue;
    ends.set(layer, node.outputs[0]!);
    const own = node.inputs.map(originOf).flatMap((x) => (isOwn(x) ? [x.name!] : []));
    const called = [...named].flatMap(([name, value]) => (value === node.outputs[0] ? [name] : []));
    names.set(layer, [...(names.get(layer) ?? []), ...own, ...called]);
  }
  return new Map([...ends].map(([layer, end]) => [end, names.get(layer)!]));
}
