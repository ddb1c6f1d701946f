/** @file Reverse-mode differentiation as a transform on graphs. */
import { cloneGraph, type Graph, type Node, reachableNodes, type Value } from "../graph/graph.ts";
import { add, fill, scalar, sumTo } from "../graph/ops/index.ts";
import { ConfigError, ShapeError } from "../tensor/errors.ts";
import { formatShape, formatSpec, isFloat } from "../tensor/spec.ts";
import { recomputation, type Section } from "./recompute.ts";

export interface BackwardOptions {
  /** Values taken as independent: nothing flows through them to what they were computed from. */
  readonly cut?: ReadonlySet<Value>;
  /** Parts of the forward pass whose values are computed again here, one part at a time, instead of being kept. */
  readonly recompute?: readonly Section[];
}

/**
 * Adds to the graph the gradient of `of` with respect to each of `wrt`, given the gradient `seed` arriving at `of`.
 * Only nodes on a path between them are visited. null means that the gradient is exactly zero.
 */
export function backward(
  of: Value,
  wrt: readonly Value[],
  seed: Value,
  { cut = new Set(), recompute = [] }: BackwardOptions = {},
): (Value | null)[] {
  const graph = of.graph;
  const nodes = reachableNodes(graph, [of]).filter((node) => !node.outputs.some((y) => cut.has(y)));
  const active = new Set<Value>(wrt);
  for (const node of nodes) {
    if (node.op.gradient !== "zero" && node.inputs.some((x) => active.has(x))) {
      for (const y of node.outputs) if (isFloat(y.dtype)) active.add(y);
    }
  }
  const gradients = new Map<Value, Value>([[of, seed]]);
  const sections = recomputation(nodes, recompute, { wrt, gradients });
  for (const node of nodes.toReversed()) {
    const rule = node.op.gradient;
    const needs = node.inputs.map((x) => active.has(x));
    sections.enter(node);
    const cotangents = node.outputs.map((y) => gradients.get(y) ?? null);
    const arriving = cotangents.find((g) => g !== null);
    if (rule === "zero" || !needs.includes(true) || !arriving) continue;
    const again = (x: Value): Value => sections.again(x, arriving);
    const [inputs, outputs] = [node.inputs.map(again), node.outputs.map(again)];
    const { attributes } = node;
    const slopes = told(node, () => rule({ inputs, outputs, cotangents, attributes, needs }));
    slopes.forEach((g, i) => {
      const x = node.inputs[i]!;
      if (g === null || !needs[i]) return;
      const reduced = sumTo(g, x.shape); // un-broadcast once, here, so that no rule needs to
      const before = gradients.get(x);
      gradients.set(x, before ? add(before, reduced) : reduced);
      sections.add(x, reduced);
    });
  }
  return wrt.map((x) => gradients.get(x) ?? null);
}

/** What a rule gives; an operator that has no gradient is told with the value that it computes, where that has a name. */
function told<T>({ outputs }: Node, rule: () => T): T {
  try {
    return rule();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const name = [...outputs[0]!.graph.labels].find(([, value]) => outputs.includes(value))?.[0];
    const where = name === undefined ? "" : `; it stands on the path, where it computes "${name}"`;
    throw new ShapeError(error.code, `gradient: ${error.message}${where}`, error.fields);
  }
}

/** Gradient of a parameter: a dense part, and rows to be added at row numbers (which may repeat). */
export interface ParamGradient {
  readonly dense: Value | null;
  readonly rows: readonly { readonly indices: Value; readonly gradient: Value }[];
}

/**
 * Gradients of parameters, where the part that comes through row selections (embedding look-ups) stays a list of rows:
 * adding few rows to a large table is cheap outside the graph and slow inside it.
 */
export function paramGradients(
  of: Value,
  params: readonly Value[],
  seed: Value,
  recompute: readonly Section[] = [],
): ParamGradient[] {
  const lookUps = reachableNodes(of.graph, [of]).filter(
    ({ op, inputs }) => op.selects && params.includes(inputs[op.selects.table]!),
  );
  const selected = lookUps.map((node) => node.outputs[0]!);
  const gradients = backward(of, [...params, ...selected], seed, {
    cut: new Set(selected),
    recompute,
  });
  return params.map((param, i) => ({
    dense: gradients[i]!,
    rows: lookUps.flatMap(({ op, inputs }, k) => {
      const gradient = gradients[params.length + k];
      return gradient && inputs[op.selects!.table] === param
        ? [{ indices: inputs[op.selects!.rows]!, gradient }]
        : [];
    }),
  }));
}

export interface GradientOptions {
  /** Name of the value to differentiate: a scalar, unless `cotangent` is given. */
  readonly of: string;
  /** Names of inputs, parameters or outputs. */
  readonly wrt: readonly string[];
  /** Name of an extra input of `of`'s shape that holds the gradient arriving at `of`. */
  readonly cotangent?: string;
}

/**
 * A graph whose outputs are `of` and one `d/NAME` for each name in `wrt`, zeros where `of` does not depend on it. Nodes
 * that none of these need are left out when it is compiled, so that what is not asked for costs nothing.
 *
 * @throws ConfigError for names that are not there or cannot have a gradient
 * @throws ShapeError naming an operator on the path that has no gradient
 */
export function gradient(graph: Graph, { of, wrt, cotangent }: GradientOptions): Graph {
  const { graph: copy } = cloneGraph(graph);
  const target = copy.value(of);
  const sources = wrt.map(
    (name) => copy.inputs.get(name) ?? copy.params.get(name)?.value ?? copy.value(name),
  );
  refuseIntegers([of, ...wrt], [target, ...sources]);
  copy.outputs.clear();
  copy.output(of, target);
  const seed = cotangent === undefined ? one(of, target) : arriving(copy, cotangent, target);
  backward(target, sources, seed).forEach((g, i) => {
    const { shape, dtype } = sources[i]!;
    copy.output(`d/${wrt[i]}`, g ?? fill(copy, shape, 0, dtype));
  });
  return copy;
}

function refuseIntegers(names: readonly string[], values: readonly Value[]): void {
  const at = values.findIndex(({ dtype }) => !isFloat(dtype));
  if (at < 0) return;
  const name = names[at]!;
  const shown = formatSpec(values[at]!.spec);
  throw new ConfigError(
    "not-a-float",
    at === 0
      ? `gradient: "${name}" is ${shown}; only float values can be differentiated`
      : `gradient: "${name}" is ${shown}; gradients exist with respect to float values only`,
    { name },
  );
}

function one(of: string, target: Value): Value {
  const { graph, shape, rank, dtype } = target;
  if (shape.every((d) => d === 1)) return rank === 0 ? scalar(graph, 1, dtype) : fill(graph, shape, 1, dtype);
  throw new ConfigError(
    "not-a-scalar",
    `gradient: "${of}" has shape ${formatShape(shape)}, not one number; name a cotangent input`,
    { of },
  );
}

function arriving(graph: Graph, name: string, target: Value): Value {
  if (!graph.inputs.has(name) && !graph.params.has(name) && !graph.outputs.has(name))
    return graph.input(name, target.spec);
  throw new ConfigError(
    "duplicate-name",
    `gradient: the graph has a value "${name}" already; give the cotangent another name`,
    { name },
  );
}
