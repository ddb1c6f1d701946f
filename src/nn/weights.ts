/** @file How the weights of a network are used by its layers. */
import type { Graph, Node, Value } from "../graph/graph.ts";
import { sameShape } from "../tensor/spec.ts";

/** Operators that apply the weight of a layer. */
export const layerOperators: ReadonlySet<string> = new Set(["matmul", "conv", "convTranspose"]);

const moves: ReadonlySet<string> = new Set(["transpose", "reshape", "cast"]);

/** Whether a parameter was added by `lora` or `adapters`. */
export const isAddition = (name: string): boolean =>
  /\.(lora\.[ab]|adapter\.(down|up)\.(weight|bias))$/.test(name);

/** Whether a value is a parameter of the network itself. */
export const isOwn = ({ graph, name }: Value): boolean =>
  name !== null && graph.params.has(name) && !isAddition(name);

/** What a value is before it is transposed, reshaped or cast. */
export function originOf(x: Value): Value {
  return x.node && moves.has(x.node.op.name) ? originOf(x.node.inputs[0]!) : x;
}

/** A weight as a node sees it. */
export interface WeightUse {
  readonly weight: Value;
  /** Which input of the node it is. */
  readonly at: number;
  /** Whether its last two axes are exchanged on the way to a matrix product. */
  readonly flipped: boolean;
}

/** The weight behind an input of a node. */
export function useOf({ op, inputs }: Node, at: number): WeightUse {
  const x = inputs[at]!;
  return op.name === "matmul" && isFlip(x.node)
    ? { weight: x.node.inputs[0]!, at, flipped: true }
    : { weight: x, at, flipped: false };
}

function isFlip(node: Node | null): node is Node {
  if (node?.op.name !== "transpose") return false;
  const permutation = node.attributes.permutation as readonly number[];
  const axes = permutation.map((_, axis) => axis);
  return sameShape(permutation, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
}

/** Transpositions that exchange the last two axes of a parameter for matrix products and for nothing else. */
export function flipsOf(graph: Graph): Set<Node> {
  const flips = new Set(graph.nodes.filter((node) => isFlip(node) && isOwn(node.inputs[0]!)));
  for (const node of graph.nodes) {
    if (node.op.name === "matmul") continue;
    for (const x of node.inputs) if (x.node) flips.delete(x.node);
  }
  for (const value of graph.outputs.values()) if (value.node) flips.delete(value.node);
  return flips;
}
