/** @file Rematerialisation: the values of chosen sections are computed again for the backward pass instead of kept. */
import type { Graph, Node, Value } from "../graph/graph.ts";
import { barrier } from "../graph/ops/index.ts";
import { sizeOf } from "../tensor/spec.ts";

/** Nodes whose values are forgotten after the forward pass and computed again together. */
export type Section = ReadonlySet<Node>;

/** Traces a part of a graph, and says which nodes that added. */
export function traceSection<T>(
  graph: Graph,
  trace: () => T,
): { readonly result: T; readonly section: Section } {
  const before = graph.nodes.length;
  const result = trace();
  return { result, section: new Set(graph.nodes.slice(before)) };
}

/** What a backward pass asks about its nodes, one after the other. */
export interface Recomputation {
  /** Comes to a node, before its gradients are looked at. */
  enter(node: Node): void;
  /** The value computed again once `arriving` is there, if it belongs to the node's section; else the value itself. */
  again(value: Value, arriving: Value): Value;
  /** A gradient of an input of the node was added up. */
  add(input: Value, gradient: Value): void;
}

interface Current {
  readonly section: Section;
  /** Values computed again. */
  readonly copies: Map<Value, Value>;
  /** What the section was computed from: its gradients are what earlier sections wait for. */
  readonly sources: Set<Value>;
  /** Gradients of parameters. */
  readonly results: Value[];
}

/**
 * Follows a backward pass over `nodes` with gradients that are added up in `gradients`. A section is computed again when
 * the first gradient arrives at it, and gradients leave it only when those of its parameters are there: what was computed
 * again can then be forgotten a second time. Both is said by barriers, as nothing else tells ONNX Runtime when to run what.
 */
export function recomputation(
  nodes: readonly Node[],
  sections: readonly Section[],
  { wrt, gradients }: { wrt: readonly Value[]; gradients: Map<Value, Value> },
): Recomputation {
  const sectionOf = new Map(sections.flatMap((s) => [...s].map((node) => [node, s] as const)));
  const kept = usedElsewhere(nodes, sectionOf);
  const wanted = new Set(wrt);
  let current: Current | null = null;
  const inside = ({ node }: Value): boolean => (node ? (current?.section.has(node) ?? false) : false);
  const again = (value: Value, arriving: Value): Value => {
    if (!inside(value) || kept.has(value)) return value;
    const { copies } = current!;
    if (!copies.has(value)) {
      const inputs = value.node!.inputs.map((x) => again(x, arriving));
      copyNode(value.node!, inputs, arriving).forEach((y, i) => {
        copies.set(value.node!.outputs[i]!, y);
      });
    }
    return copies.get(value)!;
  };
  return {
    enter(node) {
      const section = sectionOf.get(node);
      if (section === current?.section) return;
      for (const x of current?.sources ?? [])
        gradients.set(x, barrier(gradients.get(x)!, ...current!.results));
      current = section ? { section, copies: new Map(), sources: new Set(), results: [] } : null;
    },
    again,
    add(input, gradient) {
      if (!current || inside(input)) return;
      if (wanted.has(input)) current.results.push(gradient);
      else current.sources.add(input);
    },
  };
}

/** Values of a section that others use: they are there anyway, and the next section starts from them. */
function usedElsewhere(nodes: readonly Node[], sectionOf: ReadonlyMap<Node, Section>): Set<Value> {
  const used = nodes.flatMap((node) =>
    node.inputs.filter((x) => x.node && sectionOf.get(x.node) !== sectionOf.get(node)),
  );
  return new Set(used);
}

function copyNode(node: Node, inputs: readonly Value[], arriving: Value): readonly Value[] {
  const changed = inputs.some((x, i) => x !== node.inputs[i]);
  const late = changed ? inputs : waiting(inputs, arriving);
  return late ? arriving.graph.apply(node.op, late, node.attributes) : node.outputs;
}

/**
 * The same inputs, of which one is there only after `arriving` is: else the copy would be the same node as the original,
 * to us and to ONNX Runtime. The smallest one, because that costs a copy. null where none is float32 and varies.
 */
function waiting(inputs: readonly Value[], arriving: Value): Value[] | null {
  const size = (x: Value): number => {
    const elements = sizeOf(x.shape);
    return typeof elements === "number" ? elements : Number.MAX_VALUE; // an open size is that of a batch
  };
  const [first, ...rest] = inputs.filter((x) => x.dtype === "float32" && x.node?.inputs.length !== 0);
  if (!first) return null;
  const smallest = rest.reduce((a, b) => (size(b) < size(a) ? b : a), first);
  return inputs.map((x) => (x === smallest ? barrier(x, arriving) : x));
}
