/** @file Reverse-mode differentiation as a transform on graphs. */
import { cloneGraph, type Graph, reachableNodes, type Value } from "../graph/graph.ts";
import { add, fill, scalar, sumTo } from "../graph/ops/index.ts";
import { ConfigError } from "../tensor/errors.ts";
import { formatShape, isFloat } from "../tensor/spec.ts";

/**
 * Adds to the graph the gradient of `of` with respect to each of `wrt`, given the gradient `seed` arriving at `of`.
 * Only nodes on a path between them are visited. null means that the gradient is exactly zero. Values in `cut` are
 * taken as independent: nothing flows through them to what they were computed from.
 */
export function backward(
  of: Value,
  wrt: readonly Value[],
  seed: Value,
  cut: ReadonlySet<Value> = new Set(),
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
  for (const node of nodes.toReversed()) {
    const rule = node.op.gradient;
    const needs = node.inputs.map((x) => active.has(x));
    const cotangents = node.outputs.map((y) => gradients.get(y) ?? null);
    if (rule === "zero" || !needs.includes(true) || cotangents.every((g) => g === null)) continue;
    const { inputs, outputs, attributes } = node;
    rule({ inputs, outputs, cotangents, attributes, needs }).forEach((g, i) => {
      const x = inputs[i]!;
      if (g === null || !needs[i]) return;
      const reduced = sumTo(g, x.shape); // un-broadcast once, here, so that no rule needs to
      const before = gradients.get(x);
      gradients.set(x, before ? add(before, reduced) : reduced);
    });
  }
  return wrt.map((x) => gradients.get(x) ?? null);
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
export function paramGradients(of: Value, params: readonly Value[], seed: Value): ParamGradient[] {
  const lookUps = reachableNodes(of.graph, [of]).filter(
    ({ op, inputs }) => op.selects && params.includes(inputs[op.selects.table]!),
  );
  const selected = lookUps.map((node) => node.outputs[0]!);
  const gradients = backward(of, [...params, ...selected], seed, new Set(selected));
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
  /** Names of inputs or parameters. */
  readonly wrt: readonly string[];
  /** Name of an extra input of `of`'s shape that holds the gradient arriving at `of`. */
  readonly cotangent?: string;
}

/** A graph whose outputs are `of` and one `d/NAME` for each name in `wrt`. @throws ConfigError */
export function gradient(graph: Graph, { of, wrt, cotangent }: GradientOptions): Graph {
  const { graph: copy } = cloneGraph(graph);
  const target = copy.value(of);
  copy.outputs.clear();
  copy.output(of, target);
  if (cotangent === undefined && target.shape.some((d) => d !== 1)) {
    const shown = formatShape(target.shape);
    throw new ConfigError(
      "not-a-scalar",
      `gradient: "${of}" has shape ${shown}, not one number; name a cotangent input`,
      { of },
    );
  }
  const one = (): Value => (target.rank === 0 ? scalar(copy, 1) : fill(copy, target.shape, 1));
  const seed = cotangent === undefined ? one() : copy.input(cotangent, target.spec);
  const sources = wrt.map(
    (name) => copy.inputs.get(name) ?? copy.params.get(name)?.value ?? copy.value(name),
  );
  backward(target, sources, seed).forEach((g, i) => {
    const zero = (): Value => fill(copy, sources[i]!.shape, 0);
    copy.output(`d/${wrt[i]}`, g ?? zero());
  });
  return copy;
}
