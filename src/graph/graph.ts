/** @file The graph: values in creation order, which is also an order of execution. */
import { ConfigError, ShapeError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import {
  type Dim,
  formatShape,
  formatSpec,
  type Shape,
  type Tensor,
  type TensorSpec,
} from "../tensor/spec.ts";
import type { Attributes, OpDef } from "./op.ts";

/** A typed edge of a graph. Operators are free functions over values; a value has no arithmetic of its own. */
export class Value {
  readonly graph: Graph;
  readonly id: number;
  readonly spec: TensorSpec;
  /** The node that computes it and which of its outputs this is; null for inputs and parameters. */
  readonly node: Node | null;
  readonly output: number;
  readonly name: string | null;

  constructor(
    graph: Graph,
    id: number,
    spec: TensorSpec,
    origin: { node: Node; output: number } | { name: string },
  ) {
    this.graph = graph;
    this.id = id;
    this.spec = spec;
    this.node = "node" in origin ? origin.node : null;
    this.output = "node" in origin ? origin.output : 0;
    this.name = "name" in origin ? origin.name : null;
  }

  get shape(): Shape {
    return this.spec.shape;
  }
  get dtype(): TensorSpec["dtype"] {
    return this.spec.dtype;
  }
  get rank(): number {
    return this.spec.shape.length;
  }
  /** Size of an axis; negative axes count from the end. */
  size(axis: number): Dim {
    return this.spec.shape.at(axis)!;
  }
}

export interface Node {
  readonly op: OpDef;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

/** How fresh values of a random input are drawn before each run. */
export interface RandomInput {
  /** Elements are 1/keep with probability keep, else 0. */
  readonly keep: number;
}

export interface InputOptions {
  readonly random?: RandomInput;
}

export interface Param {
  readonly value: Value;
  /** Initial or trained values; absent until somebody provides them. */
  data: Tensor | null;
}

export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs = new Map<string, Value>();
  readonly params = new Map<string, Param>();
  readonly outputs = new Map<string, Value>();
  /** Inputs that are drawn afresh for every run (dropout masks), by input name. */
  readonly randoms = new Map<string, RandomInput>();
  /** Names of parameters that are not to be trained. */
  readonly frozen = new Set<string>();
  /** Names that values inside the graph had in the file they were read from. */
  readonly labels = new Map<string, Value>();
  readonly metadata: Record<string, string> = {};
  #values = 0;
  readonly #known = new Map<string, readonly Value[]>();

  input(name: string, spec: TensorSpec, options: InputOptions = {}): Value {
    this.#claim(name);
    const value = new Value(this, this.#values++, spec, { name });
    this.inputs.set(name, value);
    if (options.random) this.randoms.set(name, options.random);
    return value;
  }

  param(name: string, spec: TensorSpec, data: Tensor | null = null): Value {
    this.#claim(name);
    const value = new Value(this, this.#values++, spec, { name });
    this.params.set(name, { value, data });
    return value;
  }

  /** Names a value as an output; a name that is an output already then means the new value. */
  output(name: string, value: Value): void {
    const own = this.inputs.get(name) ?? this.params.get(name)?.value;
    if (own && own !== value) {
      throw new ConfigError(
        "duplicate-name",
        `graph: output "${name}" has the name of an input or parameter; give it another`,
        { name },
      );
    }
    this.outputs.set(name, value);
  }

  /** The input, parameter or output of that name. @throws ConfigError naming the nearest. */
  value(name: string): Value {
    const found = this.outputs.get(name) ?? this.inputs.get(name) ?? this.params.get(name)?.value;
    if (found) return found;
    const known = [...this.outputs.keys(), ...this.inputs.keys(), ...this.params.keys()];
    throw new ConfigError(
      "unknown-value",
      `graph: no input, parameter or output "${name}"${suggest(name, known)}`,
      { name },
    );
  }

  /** Adds a node, or returns the values of an identical one that is already there. */
  apply<A extends Attributes>(op: OpDef<A>, inputs: readonly Value[], attributes: A): readonly Value[] {
    for (const input of inputs) {
      if (input.graph !== this) {
        throw new ShapeError(
          "foreign-value",
          `${op.name}: an input belongs to another graph (trace both in one graph)`,
        );
      }
    }
    const key = `${op.name}(${inputs.map((x) => x.id).join(",")})${JSON.stringify(attributes, exact)}`;
    const known = this.#known.get(key);
    if (known) return known;
    const specs = op.infer(
      inputs.map((x) => x.spec),
      attributes,
    );
    for (const { shape } of specs) checkShape(op.name, shape);
    const outputs: Value[] = [];
    const node: Node = { op: op as unknown as OpDef, inputs, attributes, outputs };
    specs.forEach((spec, output) => {
      outputs.push(new Value(this, this.#values++, spec, { node, output }));
    });
    this.nodes.push(node);
    this.#known.set(key, outputs);
    return outputs;
  }

  #claim(name: string): void {
    if (this.inputs.has(name) || this.params.has(name) || this.outputs.has(name)) {
      throw new ConfigError(
        "duplicate-name",
        `graph: "${name}" is declared twice; give each layer its own scope`,
        { name },
      );
    }
  }
}

const mostAxes = 64;

/** Refuses what is no shape, whatever rule gave it. @throws ShapeError */
function checkShape(where: string, shape: Shape): void {
  const possible = (d: Dim): boolean => typeof d === "string" || (Number.isSafeInteger(d) && d >= 0);
  if (shape.length <= mostAxes && shape.every(possible)) return;
  const shown = shape.length > mostAxes ? `${shape.length} axes` : `the shape ${formatShape(shape)}`;
  throw new ShapeError("shape", `${where}: its result would have ${shown}, which is impossible`);
}

/** Keeps numbers apart that JSON writes alike: the infinities, NaN and −0. */
function exact(_key: string, value: unknown): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Nodes that the given values (by default the graph's outputs) depend on, in order of execution. */
export function reachableNodes(graph: Graph, from: Iterable<Value> = graph.outputs.values()): Node[] {
  const needed = new Set<Node>();
  const stack = [...from];
  while (stack.length > 0) {
    const node = stack.pop()!.node;
    if (!node || needed.has(node)) continue;
    needed.add(node);
    stack.push(...node.inputs);
  }
  return graph.nodes.filter((node) => needed.has(node));
}

export interface CloneOptions {
  /** What stands for a node in the copy, given its inputs there; by default the same node. */
  readonly node?: (node: Node, inputs: readonly Value[], copy: Graph) => readonly Value[];
  /** Parameters that the copy has no more, and outputs of nodes that it leaves out. */
  readonly omit?: ReadonlySet<Value>;
}

/** Inputs, parameters and results that something uses: a node that an output depends on, or an output. */
export function usedValues(graph: Graph): Set<Value> {
  return new Set([...reachableNodes(graph).flatMap((node) => node.inputs), ...graph.outputs.values()]);
}

/** A copy whose nodes can be extended, or were changed, without touching the original. */
export function cloneGraph(
  graph: Graph,
  { node: translate, omit = new Set() }: CloneOptions = {},
): { graph: Graph; map: (value: Value) => Value } {
  const copy = new Graph();
  const values = new Map<Value, Value>();
  for (const [name, value] of graph.inputs) {
    const random = graph.randoms.get(name);
    values.set(value, copy.input(name, value.spec, random ? { random } : {}));
  }
  for (const [name, { value, data }] of graph.params) {
    if (!omit.has(value)) values.set(value, copy.param(name, value.spec, data));
  }
  const map = (value: Value): Value => values.get(value)!;
  for (const node of graph.nodes) {
    if (omit.has(node.outputs[0]!)) continue;
    const inputs = node.inputs.map(map);
    const outputs = translate ? translate(node, inputs, copy) : copy.apply(node.op, inputs, node.attributes);
    node.outputs.forEach((value, i) => {
      values.set(value, outputs[i]!);
    });
  }
  for (const [name, value] of graph.outputs) copy.output(name, map(value));
  for (const [name, value] of graph.labels) if (values.has(value)) copy.labels.set(name, map(value));
  for (const name of graph.frozen) if (copy.params.has(name)) copy.frozen.add(name);
  Object.assign(copy.metadata, graph.metadata);
  return { graph: copy, map };
}

/** Text of a graph: one line a value, in order of execution. */
export function print(graph: Graph): string {
  const nodes = reachableNodes(graph);
  const numbers = new Map<Value, string>();
  const used = usedValues(graph);
  const lines: string[] = [];
  for (const [name, value] of graph.inputs) {
    numbers.set(value, name);
    if (used.has(value))
      lines.push(`${graph.randoms.has(name) ? "random" : "input"} ${name}: ${formatSpec(value.spec)}`);
  }
  for (const [name, { value }] of graph.params) {
    numbers.set(value, name);
    if (used.has(value)) lines.push(`param ${name}: ${formatSpec(value.spec)}`);
  }
  let next = 0;
  for (const node of nodes) {
    for (const value of node.outputs) numbers.set(value, `%${next++}`);
    const left = node.outputs.map((v) => `${numbers.get(v)}: ${formatSpec(v.spec)}`).join(", ");
    const attributes = Object.entries(node.attributes).map(([k, v]) => `${k}=${formatAttribute(v)}`);
    lines.push(
      `${left} = ${node.op.name}(${[...node.inputs.map((v) => numbers.get(v)), ...attributes].join(", ")})`,
    );
  }
  for (const [name, value] of graph.outputs) lines.push(`return ${name} = ${numbers.get(value)}`);
  return lines.join("\n");
}

function formatAttribute(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  const shown = value.length > 8 ? [...value.slice(0, 8), "…"] : value;
  return `[${shown.map(formatAttribute).join(" ")}]`;
}
