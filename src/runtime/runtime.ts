/** @file What executes graphs: one interface, implemented in-process, in a worker thread, in a browser and in float64. */
import type { Graph, Value } from "../graph/graph.ts";
import { ConfigError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import { arrayType, type Bindings, bindDim, type Dim, formatShape, type Tensor } from "../tensor/spec.ts";
import type { Device } from "./device.ts";

/** Values for an input. */
export interface Feed extends Tensor {
  /** For shared memory: the values are those of the last run whose feed had the same number, so none need be copied. */
  readonly version?: number;
}

export type Feeds = Readonly<Record<string, Feed>>;
export type Fetches = Record<string, Tensor>;

/** Which random numbers a run sees: they are a pure function of both and of each input's name. */
export interface Draw {
  readonly seed: number;
  readonly index: number;
}

export interface Program {
  /**
   * Runs with the given inputs and parameters by name; symbolic dimensions are bound by the shapes that are fed. Random
   * inputs (dropout masks) may be left out where `draw` says which numbers to draw for them.
   */
  run(feeds: Feeds, draw?: Draw): Promise<Fetches>;
  dispose(): Promise<void>;
}

export type ParamsMode = "stored" | "fed" | "trained";

export interface RuntimeOptions {
  /** Threads inside one operator; default: the machine's cores. */
  readonly threads?: number | undefined;
  /** Where the program runs; default: "cpu", in a browser "webgpu" where there is an adapter. */
  readonly device?: Device | undefined;
  /**
   * "fed": parameters come with every run, as in training; "stored" (default): their values are compiled in; "trained":
   * frozen ones are compiled in, where ONNX Runtime can lay them out for its fastest kernels, and the others are fed.
   */
  readonly params?: ParamsMode;
  /** "bound" (default): compiled once for each set of shapes; "open": once, with symbolic dimensions left open. */
  readonly shapes?: "bound" | "open";
  /** Prefix of a profile file that ONNX Runtime writes when the program is disposed; not in a browser. */
  readonly profile?: string | undefined;
}

export interface Runtime {
  readonly name: string;
  compile(graph: Graph, options?: RuntimeOptions): Promise<Program>;
  /** Frees threads and memory of the runtime itself. */
  dispose(): Promise<void>;
}

/** The values a run must be fed with, by name. */
export function fedValues(graph: Graph, params: ParamsMode): Map<string, Value> {
  const fed = new Map(graph.inputs);
  if (params === "stored") return fed;
  for (const [name, { value }] of graph.params)
    if (params === "fed" || !graph.frozen.has(name)) fed.set(name, value);
  return fed;
}

const isName = (d: Dim): boolean => /^[\w.]+$/.test(String(d));

/**
 * Sizes of dimension names, read off the fed shapes; inputs that are `optional` may be missing.
 *
 * @throws ConfigError for a missing, unknown or misshapen input
 */
export function bindingsOf(
  fed: ReadonlyMap<string, Value>,
  feeds: Feeds,
  optional: (name: string) => boolean = () => false,
): Bindings {
  const bindings: Record<string, number> = {};
  for (const name of Object.keys(feeds)) {
    if (!fed.has(name))
      throw new ConfigError("unknown-input", `run: there is no input "${name}"${suggest(name, fed.keys())}`, {
        name,
      });
  }
  for (const [name, value] of fed) {
    feeds[name]?.shape.forEach((size, axis) => {
      const d = value.shape[axis];
      if (typeof d === "string" && isName(d)) bindings[d] ??= size;
    });
  }
  for (const [name, value] of fed) {
    const tensor = feeds[name];
    if (!tensor && optional(name)) continue;
    if (!tensor) throw new ConfigError("missing-input", `run: input "${name}" is missing`, { name });
    const fits =
      value.rank === tensor.shape.length &&
      value.shape.every((d, i) => bindDim(d, bindings) === tensor.shape[i]);
    const type = arrayType(value.dtype);
    const elements = tensor.shape.reduce((p, d) => p * d, 1);
    if (!fits || !(tensor.data instanceof type) || tensor.data.length !== elements) {
      const given = `${tensor.data.constructor.name}(${tensor.data.length}) ${formatShape(tensor.shape)}`;
      const wanted = `${type.name} ${formatShape(value.shape)}`;
      throw new ConfigError("input-shape", `run: input "${name}" is ${given}, but ${wanted} is needed`, {
        name,
      });
    }
  }
  return bindings;
}

export const bindingsKey = (bindings: Bindings): string => JSON.stringify(Object.entries(bindings).sort());
