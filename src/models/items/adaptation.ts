/** @file Which part of a pretrained network is trained inside a model, and what is added to it. */
import { z } from "zod";
import { type Graph, reachableNodes, type Value } from "../../graph/graph.ts";
import { adapters, freeze, lora, unfreeze } from "../../nn/adapt.ts";
import { ConfigError } from "../../tensor/errors.ts";
import { isFloat, sameShape } from "../../tensor/spec.ts";
import { requireValue } from "./network.ts";

/** Settings of an item encoder that holds a pretrained network. */
export const adaptationSettings = {
  mode: z
    .enum(["full", "frozen", "top", "lora", "adapter"])
    .default("full")
    .describe(
      "what of the network is trained: everything, nothing, its top layers, low-rank updates or bottleneck adapters",
    ),
  top: z.int().min(1).default(2).describe("mode top: layers that are trained, counted from the output"),
  rank: z.int().min(1).max(1024).default(8).describe("mode lora: rank of the updates"),
  alpha: z.number().positive().default(16).describe("mode lora: the updates are scaled by alpha / rank"),
  targets: z
    .array(z.string())
    .default(["*query*", "*value*"])
    .describe("mode lora: matrices that get updates, by their names in the file; * stands for any text"),
  adapter: z
    .enum(["houlsby", "pfeiffer"])
    .default("houlsby")
    .describe(
      "mode adapter: behind the attention and the feed-forward network of each layer, or the latter alone",
    ),
  size: z.int().min(1).max(4096).default(64).describe("mode adapter: width of the bottleneck"),
  after: z
    .array(z.string())
    .default([])
    .describe(
      "mode adapter: what adapters go behind, by names in the file; none: found by the network's layers",
    ),
  also: z
    .array(z.string())
    .default([])
    .describe("parameters of the network that are trained in any mode, such as *LayerNorm*"),
  rate: z
    .number()
    .min(0)
    .max(10)
    .default(0.05)
    .describe("step size of the network's own weights as a share of training.learningRate"),
};

const schema = z.object(adaptationSettings);
export type Adaptation = z.infer<typeof schema>;

export interface Adapted {
  /** The network; what is not trained in it is frozen. */
  readonly graph: Graph;
  /** Names of the states before the first layer and after each one; none where names do not tell. */
  readonly layers: readonly string[];
  /** The name of what is read of it, in the graph as it was before. */
  readonly output: string;
}

/**
 * A network as it is trained: LoRA is Hu et al. 2021, arXiv:2106.09685; adapters are those of Houlsby et al. 2019,
 * arXiv:1902.00751, and Pfeiffer et al. 2020, arXiv:2005.00247, in recommenders Fu et al. 2024, arXiv:2305.15036. What
 * the last two add starts at zero, so that the network is at first as it was.
 *
 * @throws ConfigError where names match nothing, or the network's layers cannot be told
 */
export function adapted({ graph, layers, output }: Adapted, settings: Adaptation): Graph {
  if (settings.mode === "full") return graph;
  const own = [...graph.params.keys()].filter((name) => !graph.frozen.has(name));
  if (graph.params.size > 0) freeze(graph, "*");
  const rest = (patterns: readonly string[]): void => {
    if (patterns.length === 0) return;
    const fixed = unfreeze(graph, patterns).filter((name) => !own.includes(name));
    for (const name of fixed) graph.frozen.add(name);
  };
  rest(settings.also);
  switch (settings.mode) {
    case "frozen":
      return graph;
    case "top": {
      const stop = layers.at(-1 - settings.top);
      if (stop === undefined) throw noLayers("top", layers, settings.top);
      rest(parametersAbove(graph, output, stop));
      return graph;
    }
    case "lora":
      return lora(graph, { rank: settings.rank, alpha: settings.alpha, targets: settings.targets });
    case "adapter": {
      const after = settings.after.length > 0 ? settings.after : sublayers(graph, layers, settings.adapter);
      return adapters(graph, { size: settings.size, after });
    }
  }
}

function noLayers(mode: string, layers: readonly string[], wanted?: number): ConfigError {
  const has = layers.length > 0 ? `it has ${layers.length - 1}` : "its layers cannot be told by their names";
  const what =
    wanted === undefined ? "needs the network's layers" : `${wanted} asks for more layers than there are`;
  return new ConfigError("no-layers", `mode "${mode}" ${what}: ${has}`, { mode, wanted });
}

/** Names of the parameters between a value and another above it. */
function parametersAbove(graph: Graph, above: string, below: string): string[] {
  const stop = requireValue(graph, below);
  const seen = new Set<Value>([stop]);
  const stack = [requireValue(graph, above)];
  const names: string[] = [];
  while (stack.length > 0) {
    const value = stack.pop()!;
    if (seen.has(value)) continue;
    seen.add(value);
    if (value.name !== null && graph.params.has(value.name)) names.push(value.name);
    stack.push(...(value.node?.inputs ?? []));
  }
  return names;
}

/**
 * Names of what the parts of each layer add to its state: of an attention layer, what its output projection and what its
 * feed-forward network gives (Houlsby), or the latter alone (Pfeiffer).
 */
function sublayers(graph: Graph, layers: readonly string[], kind: Adaptation["adapter"]): string[] {
  if (layers.length < 2) throw noLayers("adapter", layers);
  const names = new Map([...graph.labels].map(([name, value]) => [value, name]));
  const found: string[] = [];
  for (const [k, top] of layers.entries()) {
    if (k === 0) continue;
    const end = requireValue(graph, top);
    const before = new Set(reachableNodes(graph, [requireValue(graph, layers[k - 1]!)]));
    const added = reachableNodes(graph, [end])
      .filter(({ op, inputs, outputs }) => {
        const [y] = outputs;
        const computed = inputs.every((x) => x.node !== null && sameShape(x.shape, y!.shape));
        return op.name === "add" && isFloat(y!.dtype) && computed && sameShape(y!.shape, end.shape);
      })
      .filter((node) => !before.has(node))
      .flatMap(({ inputs }) => inputs.filter((x) => isSublayer(x)));
    const own = added.map((x) => names.get(x)).filter((name) => name !== undefined);
    found.push(...(kind === "pfeiffer" ? own.slice(-1) : own));
  }
  if (found.length > 0) return found;
  const what =
    'mode "adapter": where the layers add to their states cannot be told; name the places in "after"';
  throw new ConfigError("no-layers", what);
}

/** Whether a value is what a matrix product with a bias, or without one, gives. */
function isSublayer({ node }: Value): boolean {
  if (node === null) return false;
  if (node.op.name === "matmul") return node.inputs.some(({ name }) => name !== null);
  const [a, b] = node.inputs;
  return node.op.name === "add" && [a!, b!].some(isSublayer) && [a!, b!].some(({ name }) => name !== null);
}
