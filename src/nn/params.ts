/** @file Parameter scopes: weights are declared while tracing, with how they start. */
import type { Graph, Value } from "../graph/graph.ts";
import { stream } from "../tensor/random.ts";
import { count, knownShape, type Tensor, type TensorSpec } from "../tensor/spec.ts";

/** How a parameter starts: a constant, or normal noise of a standard deviation. */
export type Init = { readonly constant: number } | { readonly deviation: number };

/** Standard deviation of every weight at the start; .06 instead costs a third of the quality, silently. */
export const defaultDeviation = 0.02;

/** What all scopes of a graph have declared, by full name. */
interface Declared {
  readonly inits: Map<string, Init>;
  /** Parameters with a row for each item. */
  readonly tables: Set<string>;
}

/** A place in the tree of layers; names of parameters are joined by dots. */
export class Params {
  readonly graph: Graph;
  readonly #prefix: string;
  readonly #declared: Declared;

  constructor(graph: Graph, prefix = "", declared: Declared = { inits: new Map(), tables: new Set() }) {
    this.graph = graph;
    this.#prefix = prefix;
    this.#declared = declared;
  }

  /** The scope of a layer inside this one. */
  at(name: string): Params {
    return new Params(this.graph, `${this.#prefix}${name}.`, this.#declared);
  }

  /** The full name of something declared here. */
  nameOf(name: string): string {
    return this.#prefix + name;
  }

  /** Full names of the parameters that have a row for each item, constants among them. */
  get tables(): ReadonlySet<string> {
    return this.#declared.tables;
  }

  /** Declares a float32 weight that starts as normal noise. */
  weight(name: string, shape: readonly number[], init: Init = { deviation: defaultDeviation }): Value {
    const full = this.nameOf(name);
    this.#declared.inits.set(full, init);
    return this.graph.param(full, { dtype: "float32", shape });
  }

  /** Declares a weight with a row for each item: [N, …]. A step may be fed only the rows that it reads. */
  table(name: string, shape: readonly number[], init?: Init): Value {
    this.#declared.tables.add(this.nameOf(name));
    return this.weight(name, shape, init);
  }

  /** Declares values that are given and never trained; `eachItem` where they have a row for each item. */
  constant(name: string, spec: TensorSpec, { eachItem = false } = {}): Value {
    const full = this.nameOf(name);
    this.graph.frozen.add(full);
    if (eachItem) this.#declared.tables.add(full);
    return this.graph.param(full, spec);
  }

  bias(name: string, size: number): Value {
    return this.weight(name, [size], { constant: 0 });
  }

  /**
   * Initial values of all weights of the graph, from one seed; each depends on its own name only. `allocate` gives the
   * arrays that are filled.
   */
  initialize(
    seed: number,
    allocate = (elements: number): Float32Array => new Float32Array(elements),
  ): Record<string, Tensor> {
    const tensors: Record<string, Tensor> = {};
    for (const [name, { value }] of this.graph.params) {
      if (this.graph.frozen.has(name)) continue;
      const shape = knownShape(value.shape, name);
      const data = allocate(count(shape));
      const init = this.#declared.inits.get(name)!;
      if ("constant" in init) data.fill(init.constant);
      else stream(seed, "init", name).fillNormal(data, init.deviation);
      tensors[name] = { data, shape };
    }
    return tensors;
  }
}
