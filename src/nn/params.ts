/** @file Parameter scopes: weights are declared while tracing, with how they start. */
import type { Graph, Value } from "../graph/graph.ts";
import { stream } from "../tensor/random.ts";
import { count, knownShape, type Tensor } from "../tensor/spec.ts";

/** How a parameter starts: a constant, or normal noise of a standard deviation. */
export type Init = { readonly constant: number } | { readonly deviation: number };

/** Standard deviation of every weight at the start; .06 instead costs a third of the quality, silently. */
export const defaultDeviation = 0.02;

/** A place in the tree of layers; names of parameters are joined by dots. */
export class Params {
  readonly graph: Graph;
  readonly #prefix: string;
  readonly #inits: Map<string, Init>;

  constructor(graph: Graph, prefix = "", inits: Map<string, Init> = new Map()) {
    this.graph = graph;
    this.#prefix = prefix;
    this.#inits = inits;
  }

  /** The scope of a layer inside this one. */
  at(name: string): Params {
    return new Params(this.graph, `${this.#prefix}${name}.`, this.#inits);
  }

  /** Declares a float32 weight that starts as normal noise. */
  weight(name: string, shape: readonly number[], init: Init = { deviation: defaultDeviation }): Value {
    const full = this.#prefix + name;
    this.#inits.set(full, init);
    return this.graph.param(full, { dtype: "float32", shape });
  }

  bias(name: string, size: number): Value {
    return this.weight(name, [size], { constant: 0 });
  }

  /**
   * Initial values of all parameters of the graph, from one seed; each depends on its own name only. `allocate` gives the
   * arrays that are filled.
   */
  initialize(
    seed: number,
    allocate = (elements: number): Float32Array => new Float32Array(elements),
  ): Record<string, Tensor> {
    const tensors: Record<string, Tensor> = {};
    for (const [name, { value }] of this.graph.params) {
      const shape = knownShape(value.shape, name);
      const data = allocate(count(shape));
      const init = this.#inits.get(name)!;
      if ("constant" in init) data.fill(init.constant);
      else stream(seed, "init", name).fillNormal(data, init.deviation);
      tensors[name] = { data, shape };
    }
    return tensors;
  }
}
