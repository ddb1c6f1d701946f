/** @file What all elementwise operators share: element types, broadcasting, ONNX form, reference and samples. */
import { ShapeError } from "../../tensor/errors.ts";
import { zipWith } from "../../tensor/ndarray.ts";
import { broadcastShapes, type DType, type TensorSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import {
  type Attributes,
  defineOp,
  type EmitOptions,
  type Emitter,
  type OpDef,
  type Sample,
  type SampleInput,
} from "../op.ts";
import { type Operand, pair } from "./constant.ts";

export type None = Record<string, never>;

export const floats: readonly DType[] = ["float32", "float64"];
export const signed: readonly DType[] = [...floats, "int32", "int64"];
export const numeric: readonly DType[] = [...signed, "uint8"];

/** Codes of element types in ONNX files. */
export const onnxTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

/** What a gradient rule of an elementwise operator sees; it returns gradients of the output's shape. */
export interface Slope<A> {
  readonly x: readonly Value[];
  readonly y: Value;
  readonly g: Value;
  readonly a: A;
  readonly needs: readonly boolean[];
}

export interface Elementwise<A extends Attributes> {
  readonly gradient: ((slope: Slope<A>) => readonly (Value | null)[]) | "zero";
  /** Element types of its inputs; by default the floats. */
  readonly takes?: readonly DType[];
  /** Those of them that ONNX Runtime has a kernel for, if not all. */
  readonly kernels?: readonly DType[];
  /** Element type of the output where it is not that of the inputs. */
  readonly gives?: DType;
  /** The ONNX operator, by default the name with a capital; and where it is no standard one, its domain. */
  readonly onnx?: string;
  readonly domain?: "com.microsoft";
  /** The lowest rank that ONNX Runtime's kernel takes. */
  readonly leastRank?: 0 | 1;
  readonly emit?: (attributes: A) => NonNullable<EmitOptions["attributes"]>;
  /** How random samples of its last input are drawn. */
  readonly draw?: Pick<SampleInput, "positive" | "within">;
  /** Attributes of the samples. */
  readonly attributes?: A;
  /** Samples besides the usual ones. */
  readonly samples?: readonly Sample<A>[];
}

type Element<A> = (x: readonly number[], attributes: A) => number;

/** An operator on one tensor. */
export const unary = <A extends Attributes = None>(
  name: string,
  f: (x: number, attributes: A) => number,
  options: Elementwise<A>,
): OpDef<A> => elementwise(name, 1, ([x], a) => f(x!, a), options);

/** An operator on two tensors that broadcast. */
export const binary = <A extends Attributes = None>(
  name: string,
  f: (a: number, b: number, attributes: A) => number,
  options: Elementwise<A>,
): OpDef<A> => elementwise(name, 2, ([a, b], attributes) => f(a!, b!, attributes), options);

function elementwise<A extends Attributes>(
  name: string,
  arity: 1 | 2,
  f: Element<A>,
  options: Elementwise<A>,
): OpDef<A> {
  const { gradient, takes = floats, kernels = takes, gives, emit, domain } = options;
  const onnx = options.onnx ?? name[0]!.toUpperCase() + name.slice(1);
  return defineOp<A>({
    name,
    shapes: "broadcast",
    infer: (inputs) => {
      const dtype = commonType(name, inputs, takes);
      return [{ dtype: gives ?? dtype, shape: broadcastShapes(name, ...inputs.map((s) => s.shape)) }];
    },
    gradient:
      gradient === "zero"
        ? gradient
        : ({ inputs: x, outputs: [y], cotangents: [g], attributes: a, needs }) =>
            gradient({ x, y: y!, g: g!, a, needs }),
    lower: (e, inputs, a, { inputs: [x], outputs }) => {
      const { dtype } = x!;
      const attributes = emit?.(a) ?? {};
      const node = (names: readonly string[]): string[] =>
        e.node(onnx, names, { attributes, ...(domain ? { domain } : {}) });
      const scalar = options.leastRank === 1 && outputs[0]!.rank === 0;
      return inKernelType(e, inputs, { dtype, kernels, gives: gives ?? dtype }, (names) =>
        scalar ? onAxis(e, names, node) : node(names),
      );
    },
    reference: (inputs, a) => [zipWith((...x) => f(x, a), ...inputs)],
    samples: [...samplesFor(arity, takes, options), ...(options.samples ?? [])],
  });
}

/** Emits for scalars a node that needs an axis. */
function onAxis(
  e: Emitter,
  names: readonly string[],
  emit: (names: readonly string[]) => string[],
): string[] {
  const reshaped = (name: string, shape: number[]): string =>
    e.node("Reshape", [name, e.constant("int64", [shape.length], shape)])[0]!;
  return emit(names.map((name) => reshaped(name, [1]))).map((name) => reshaped(name, []));
}

/** The one element type of all inputs. @throws ShapeError where they differ or the operator does not take it */
export function commonType(name: string, inputs: readonly TensorSpec[], takes: readonly DType[]): DType {
  const { dtype } = inputs[0]!;
  const other = inputs.find((s) => s.dtype !== dtype);
  if (other)
    throw new ShapeError(
      "dtype",
      `${name}: element types differ: ${dtype} and ${other.dtype} (cast one of them)`,
    );
  if (!takes.includes(dtype))
    throw new ShapeError(
      "dtype",
      `${name}: element type ${dtype} is not supported (cast it to ${takes.join(", ")})`,
    );
  return dtype;
}

export interface KernelTypes {
  /** Element type of the inputs. */
  readonly dtype: DType;
  readonly kernels: readonly DType[];
  /** Element type of the outputs. */
  readonly gives: DType;
}

/** Emits nodes in a type that ONNX Runtime has a kernel for, with casts around them where `dtype` is none. */
export function inKernelType(
  e: Emitter,
  inputs: readonly string[],
  { dtype, kernels, gives }: KernelTypes,
  emit: (inputs: readonly string[]) => readonly string[],
): readonly string[] {
  if (kernels.includes(dtype)) return emit(inputs);
  const nearest = (dtype === "float64" ? floats : ["uint8", "int32", "float32"]) as readonly DType[];
  const via = nearest.find((t) => kernels.includes(t))!;
  const to = (type: DType) => (name: string) =>
    e.node("Cast", [name], { attributes: { to: onnxTypes[type] } })[0]!;
  const outputs = emit(inputs.map(to(via)));
  return gives === dtype ? outputs.map(to(gives)) : outputs;
}

function samplesFor<A extends Attributes>(
  arity: 1 | 2,
  takes: readonly DType[],
  { draw = {}, attributes }: Elementwise<A>,
): Sample<A>[] {
  const first = takes[0]!;
  const plain = (dtype: DType, ...shape: number[]): SampleInput => ({ dtype, shape, high: 5 });
  const drawn = (dtype: DType, ...shape: number[]): SampleInput => ({ ...plain(dtype, ...shape), ...draw });
  const others = takes.slice(1);
  const inputs: SampleInput[][] =
    arity === 1
      ? [
          [drawn(first, 2, 3)],
          [drawn(first)],
          [drawn(first, 1, 0)],
          ...others.map((dtype) => [drawn(dtype, 3)]),
        ]
      : [
          [plain(first, 2, 3), drawn(first, 2, 3)],
          [plain(first, 2, 3), drawn(first, 3)],
          [plain(first, 2, 1, 3), drawn(first, 4, 1)],
          [plain(first), drawn(first, 2, 2)],
          ...others.map((dtype) => [plain(dtype, 3), drawn(dtype, 2, 1)]),
        ];
  return inputs.map((each) => ({ inputs: each, ...(attributes ? { attributes } : {}) }));
}

/** The function that applies a unary operator. */
export const applied =
  (op: OpDef<None>) =>
  (x: Value): Value =>
    x.graph.apply(op, [x], {})[0]!;

/** The function that applies a binary operator; a number takes the other operand's type. */
export const pairwise =
  (op: OpDef<None>) =>
  (a: Operand, b: Operand): Value => {
    const [x, y] = pair(a, b);
    return x.graph.apply(op, [x, y], {})[0]!;
  };
