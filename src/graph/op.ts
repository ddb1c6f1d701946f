/** @file What an operator is: everything about it in one object. */
import type { NdArray } from "../tensor/ndarray.ts";
import type { Dim, DType, Shape, Tensor, TensorSpec } from "../tensor/spec.ts";
import type { Node, Value } from "./graph.ts";

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by operator; each OpDef names its own type
export type Attributes = Readonly<Record<string, any>>;

/** What a gradient rule sees: the node, and the gradient arriving at each output (null means exactly zero). */
export interface GradientContext<A> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly cotangents: readonly (Value | null)[];
  readonly attributes: A;
  /** Whether the gradient of input i is asked for; a rule may skip work for the others. */
  readonly needs: readonly boolean[];
}

/** Writes ONNX nodes; implemented by `onnx/`, so that `graph` knows no file format. */
export interface Emitter {
  /** Adds one ONNX node and returns its output names. An empty input name is an absent optional input. */
  node(type: string, inputs: readonly string[], options?: EmitOptions): string[];
  /** Adds an initializer and returns its name. */
  constant(dtype: DType, shape: readonly number[], values: ArrayLike<number>): string;
  /** The shape of a value, with bound names replaced. */
  shape(value: Value): Dim[];
  /** Dimensions with bound names replaced. */
  bound(dims: Shape): Dim[];
  /** An int64 vector of dimensions: an initializer where all are bound, else computed from the inputs' shapes. */
  dims(dims: Shape): string;
}

export interface EmitOptions {
  readonly outputs?: number;
  /** Outputs from this one on are left out of the file where nothing reads them. Default: all are needed. */
  readonly required?: number;
  readonly domain?: "com.microsoft";
  readonly attributes?: Readonly<Record<string, number | readonly number[] | string | Float>>;
}

/** Marks an attribute that ONNX wants as a float even when its value is whole. */
export interface Float {
  readonly float: number;
}

/** One case of the operator suite. */
export interface Sample<A> {
  readonly inputs: readonly SampleInput[];
  readonly attributes?: A;
  /** Shape of the first output, for operators whose ONNX form and reference follow the shape rule blindly. */
  readonly expected?: readonly number[];
  /** Its values stand where the function bends or jumps, so that its gradient cannot be compared with differences. */
  readonly bends?: true;
}

export interface SampleInput extends TensorSpec {
  readonly shape: readonly number[];
  /** Values; by default seeded normal noise for floats, 0/1 for bool, 0..high-1 for integers. */
  readonly values?: readonly number[];
  readonly high?: number;
  /** Makes random numbers positive and away from zero (logarithm, square root, divisor). */
  readonly positive?: boolean;
  /** Bounds between which random floats are drawn evenly. */
  readonly within?: readonly [number, number];
}

export interface OpDef<A extends Attributes = Attributes> {
  readonly name: string;
  /** Output types and shapes. @throws ShapeError */
  infer(inputs: readonly TensorSpec[], attributes: A): readonly TensorSpec[];
  /** Gradient of each input; null claims that it is exactly zero; "zero" claims it for all inputs. */
  readonly gradient: ((context: GradientContext<A>) => readonly (Value | null)[]) | "zero";
  /** ONNX form; returns one name for each output. */
  lower(emitter: Emitter, inputs: readonly string[], attributes: A, node: Node): readonly string[];
  /** Float64 meaning: the oracle that the suite compares ONNX Runtime with. */
  reference(
    inputs: readonly NdArray[],
    attributes: A,
    shapes: readonly (readonly number[])[],
    tensors?: readonly Tensor[],
  ): readonly NdArray[];
  readonly samples: readonly Sample<A>[];
  /**
   * How the suite may draw further shapes for its first sample: inputs that broadcast against one another, or into the
   * first; or any shape with some `axes`, or with one `axis`; or matrices whose leading axes broadcast.
   */
  readonly shapes?: "broadcast" | "into-first" | "axes" | "axis" | "matrices";
  /** Names of attributes that hold dimensions (or lists of them): names in them are bound before the reference sees them. */
  readonly dims?: readonly string[];
  /** For operators whose output is rows of a table: which inputs are the table and the row numbers. */
  readonly selects?: { readonly table: number; readonly rows: number };
}

/** Gives an operator object its attribute type. */
export function defineOp<A extends Attributes>(op: OpDef<A>): OpDef<A> {
  return Object.freeze(op);
}

export const sameDims = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
