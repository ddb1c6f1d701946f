/** @file Translations of operators that make tensors of attributes, sizes and counts. */
import type { Value } from "../../graph/graph.ts";
import { add, cast, equal, fill, mul, range, reshape } from "../../graph/ops/index.ts";
import { addDims, type Dim, floorDivideDims, subtractDims } from "../../tensor/dims.ts";
import { unravel } from "../../tensor/ndarray.ts";
import { formatShape } from "../../tensor/spec.ts";
import { type Known, known } from "../known.ts";
import type { OnnxNode, Result, Rules } from "../node.ts";
import { contentsOf, elementTypes } from "../tensor.ts";

/** The attribute forms of a Constant; texts and sparse tensors have no place in the engine. */
function constantOf(node: OnnxNode): Result {
  const tensor = node.tensor("value");
  if (tensor) return contentsOf(tensor);
  const ints = node.ints("value_ints");
  if (ints) return known("int64", [ints.length], ints);
  const floats = node.floats("value_floats");
  if (floats) return known("float32", [floats.length], floats);
  if (node.hasAttribute("value_int")) return known("int64", [], [node.int("value_int")]);
  if (node.hasAttribute("value_float")) return known("float32", [], [node.float("value_float")]);
  return node.fail("it holds neither a tensor nor numbers; other constants are not supported");
}

function constantOfShape(node: OnnxNode): Value {
  const value = node.tensor("value");
  return fill(node.graph, node.dims(0, "shape"), Number(value?.data[0] ?? 0), value?.dtype ?? "float32");
}

/** start, start + delta, … up to limit; the first and the last may be open, the step may not. */
function rangeOf(node: OnnxNode): Value {
  const dtype = node.known(0)?.dtype ?? "int64";
  const end = (i: number, what: string): Dim => node.dims(i, what)[0] ?? node.fail(`its ${what} is empty`);
  const [start, limit, step = 0] = [end(0, "start"), end(1, "limit"), node.numbers(2, "delta")[0]];
  if (step === 0) return node.fail("its delta is 0 or missing");
  const length = lengthOf(subtractDims(limit, start), step);
  const whole = (d: Dim): boolean => typeof d === "string" || Number.isInteger(d);
  if (whole(start) && whole(step)) return range(node.graph, length, dtype, { start, step });
  if (typeof start === "string" || typeof length === "string")
    return node.fail(
      `it counts from ${start} to ${limit} by ${step}; between open ends only whole steps are supported`,
    );
  return add(mul(range(node.graph, length, dtype), step), start);
}

/** How many steps fit into a span. */
function lengthOf(span: Dim, step: number): Dim {
  if (typeof span === "number") return Math.max(0, Math.ceil(span / step));
  const size = Math.abs(step);
  return floorDivideDims(addDims(step > 0 ? span : subtractDims(0, span), size - 1), size);
}

function eyeLike(node: OnnxNode): Value {
  const { shape, dtype } = node.input(0);
  const [rows, columns] = shape;
  if (shape.length !== 2) return node.fail(`its input ${formatShape(shape)} is not a matrix`);
  const to = node.hasAttribute("dtype") ? elementTypes.get(node.int("dtype")) : dtype;
  const row = reshape(range(node.graph, rows!), [rows!, 1]);
  const hit = equal(add(row, node.int("k", 0)), range(node.graph, columns!));
  return cast(hit, to ?? node.fail(`element type ${node.int("dtype")} is not supported`));
}

/** Places of what is not 0, [rank, count]; their number decides a shape, so the contents must be known. */
function nonZero(node: OnnxNode): Known {
  const values = node.numbers(0, "input");
  const { shape } = node.known(0)!;
  const places = values.flatMap((v, flat) => (v === 0 ? [] : [unravel(flat, shape)]));
  return known(
    "int64",
    [shape.length, places.length],
    shape.flatMap((_, axis) => places.map((index) => index[axis]!)),
  );
}

export const constantRules: Rules = {
  Constant: constantOf,
  ConstantOfShape: constantOfShape,
  EyeLike: eyeLike,
  NonZero: nonZero,
  Range: rangeOf,
};
