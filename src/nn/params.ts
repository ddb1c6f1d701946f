/** @file Parameter scopes: weights are declared while tracing, with how they start. */
import type { Graph, Value } from "../graph/graph.ts";
import { gather } from "../graph/ops/index.ts";
import { stream } from "../tensor/random.ts";
import { count, knownShape, type Tensor, type TensorSpec } from "../tensor/spec.ts";

/** How a parameter starts: a constant, normal noise of a standard deviation, or values that are there already. */
export type Init =
  | { readonly constant: number }
  | { readonly deviation: number }
  | { readonly values: Tensor };

/** Standard deviation of every weight at the start; .06 instead costs a third of the quality, silently. */
export const defaultDeviation = 0.02;

/** What all scopes of a graph have declared, by full name. */
interface Declared {
  readonly inits: Map<string, Init>;
  /** Parameters with a row for each item. */
  readonly tables: Set<string>;
  /** Step sizes of weights that have one of their own, as a share of the usual one. */
  readonly rates: Map<string, number>;
}

interface ConstantOptions {
  readonly eachItem?: boolean;
  readonly values?: Tensor | null;
}

/** Where a scope stands among the others. */
interface Place {
  readonly prefix: string;
  readonly rate: number;
  readonly declared: Declared;
  /** Where what is declared already is meant: the rows that are wanted of what has one for each item. */
  readonly again?: Value;
}

/** A place in the tree of layers; names of parameters are joined by dots. */
export class Params {
  readonly graph: Graph;
  readonly #place: Place;

  constructor(graph: Graph, place?: Place) {
    this.graph = graph;
    const declared = { inits: new Map(), tables: new Set<string>(), rates: new Map() };
    this.#place = place ?? { prefix: "", rate: 1, declared };
  }

  /** The scope of a layer inside this one. */
  at(name: string): Params {
    return new Params(this.graph, { ...this.#place, prefix: `${this.#place.prefix}${name}.` });
  }

  /** The same scope, whose weights are trained with steps of `rate` times the usual size. */
  paced(rate: number): Params {
    return new Params(this.graph, { ...this.#place, rate });
  }

  /**
   * The same scope for some items once more, int32 [I]: what is declared in it must be there already. Weights are shared,
   * and of what has a row for each item those of `items` are given.
   */
  rowsOf(items: Value): Params {
    return new Params(this.graph, { ...this.#place, again: items });
  }

  /** The full name of something declared here. */
  nameOf(name: string): string {
    return this.#place.prefix + name;
  }

  /** Full names of the parameters that have a row for each item, constants among them. */
  get tables(): ReadonlySet<string> {
    return this.#place.declared.tables;
  }

  /** Step sizes as a share of the usual one, by full name, of the weights for which it is not 1. */
  get rates(): ReadonlyMap<string, number> {
    return this.#place.declared.rates;
  }

  /** Declares a float32 weight that starts as normal noise. */
  weight(name: string, shape: readonly number[], init: Init = { deviation: defaultDeviation }): Value {
    const full = this.nameOf(name);
    const { declared, rate, again } = this.#place;
    if (again) return this.#known(full, again);
    declared.inits.set(full, init);
    if (rate !== 1) declared.rates.set(full, rate);
    return this.graph.param(full, { dtype: "float32", shape });
  }

  /** Declares a weight with a row for each item: [N, …]. A step may be fed only the rows that it reads. */
  table(name: string, shape: readonly number[], init?: Init): Value {
    this.#place.declared.tables.add(this.nameOf(name));
    return this.weight(name, shape, init);
  }

  /**
   * Declares what is never trained; `eachItem` where it has a row for each item. Values that are known while tracing are
   * part of the graph; others are given when it is compiled or run.
   */
  constant(name: string, spec: TensorSpec, { eachItem = false, values = null }: ConstantOptions = {}): Value {
    const full = this.nameOf(name);
    if (this.#place.again) return this.#known(full, this.#place.again);
    this.graph.frozen.add(full);
    if (eachItem) this.#place.declared.tables.add(full);
    return this.graph.param(full, spec, values);
  }

  /** What is declared already, or its rows of some items. */
  #known(full: string, items: Value): Value {
    const value = this.graph.value(full);
    return this.#place.declared.tables.has(full) ? gather(value, items) : value;
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
      const init = this.#place.declared.inits.get(name)!;
      if ("values" in init) data.set(init.values.data as Float32Array);
      else if ("constant" in init) data.fill(init.constant);
      else stream(seed, "init", name).fillNormal(data, init.deviation);
      tensors[name] = { data, shape };
    }
    return tensors;
  }
}
