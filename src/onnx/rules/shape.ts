/** @file Translations of operators on shapes and places. */
import { cast, concat, gather, reshape, transpose } from "../../graph/ops/index.ts";
import { type Dim, floorDivideDims, sizeOf } from "../../tensor/dims.ts";
import { known } from "../known.ts";
import type { OnnxNode, Result, Rules } from "../node.ts";
import { contentsOf, elementTypes } from "../tensor.ts";

/** The target of a Reshape: 0 copies a size (unless `allowzero`), −1 is what remains. */
function target(node: OnnxNode): Dim[] {
  const { shape } = node.input(0);
  const zero = node.int("allowzero", 0) === 1;
  const asked = node
    .dims(1, "shape")
    .map((d, axis) =>
      d === 0 && !zero ? (shape[axis] ?? node.fail("a 0 in its shape has no axis to copy")) : d,
    );
  const rest = asked.indexOf(-1);
  if (rest < 0) return asked;
  return asked.with(rest, floorDivideDims(sizeOf(shape), sizeOf(asked.toSpliced(rest, 1))));
}

function shapeOf(node: OnnxNode): Result {
  const { shape } = node.input(0);
  const end = node.int("end", shape.length);
  const part = shape.slice(node.int("start", 0), end);
  return known("int64", [part.length], part);
}

function castTo(node: OnnxNode): Result {
  const to = elementTypes.get(node.int("to"));
  return cast(node.input(0), to ?? node.fail(`element type ${node.int("to")} is not supported`));
}

function constantOf(node: OnnxNode): Result {
  const tensor = node.tensor("value");
  return tensor ? contentsOf(tensor) : node.fail("only constants given as tensors are supported");
}

export const shapeRules: Rules = {
  Identity: (node) => node.input(0),
  Constant: constantOf,
  Cast: castTo,
  Shape: shapeOf,
  Reshape: (node) => reshape(node.input(0), target(node)),
  Transpose: (node) => {
    const x = node.input(0);
    return transpose(x, node.ints("perm") ?? x.shape.map((_, i) => i).toReversed());
  },
  Gather: (node) =>
    node.int("axis", 0) === 0 ? gather(node.input(0), node.input(1)) : node.fail("its axis must be 0"),
  Concat: (node) => concat(node.inputs(), node.int("axis")),
};
