/** @file Translations of operators that select, replace and rank elements. */
import type { Value } from "../../graph/graph.ts";
import {
  cast,
  gather,
  gatherElements,
  gatherNd,
  oneHot,
  type Reduction,
  reductions,
  reshape,
  scatterElements,
  scatterNd,
  slice,
  topK,
  where,
} from "../../graph/ops/index.ts";
import { addDims } from "../../tensor/dims.ts";
import { normalizeAxis } from "../../tensor/spec.ts";
import type { OnnxNode, Rules } from "../node.ts";

/** One known place is a part, whose gradient needs no scatter; but rows of a parameter stay rows. */
function gatherOf(node: OnnxNode): Value {
  const x = node.input(0);
  const axis = normalizeAxis(node.int("axis", 0), x.rank, "Gather");
  const indices = node.known(1);
  const [index] = indices?.values ?? [];
  const trained = node.slots[0]?.trainable ?? false;
  if (indices?.values.length !== 1 || index === undefined || (trained && axis === 0))
    return gather(x, node.input(1), axis);
  const start = typeof index === "number" && index < 0 ? addDims(x.size(axis), index) : index;
  const part = slice(x, axis, start, addDims(start, 1));
  return reshape(part, part.shape.toSpliced(axis, 1, ...indices.shape));
}

function reductionOf(node: OnnxNode): Reduction {
  const reduction = node.string("reduction", "none");
  if (!Object.hasOwn(reductions, reduction)) node.fail(`its reduction "${reduction}" is not supported`);
  return reduction as Reduction;
}

function scatterElementsOf(node: OnnxNode): Value {
  const [x, indices, updates] = [node.input(0), node.input(1), node.input(2)];
  return scatterElements(x, indices, updates, { axis: node.int("axis", 0), reduction: reductionOf(node) });
}

function topKOf(node: OnnxNode): readonly Value[] {
  const k = node.dims(1, "k")[0] ?? node.fail("its k is empty");
  const { values, indices } = topK(node.input(0), k, {
    axis: node.int("axis", -1),
    largest: node.int("largest", 1) === 1,
  });
  return [values, indices];
}

/** One-hot rows of any two values. */
function oneHotOf(node: OnnxNode): Value {
  const places = node.input(0);
  const depth = node.dims(1, "depth")[0] ?? node.fail("its depth is empty");
  const whole = places.dtype === "int32" || places.dtype === "int64" ? places : cast(places, "int64");
  const hot = oneHot(whole, depth, node.int("axis", -1));
  const values = node.known(2)?.values;
  if (values?.[0] === 0 && values[1] === 1) return cast(hot, node.known(2)!.dtype);
  const pair = node.input(2);
  const [off, on] = [0, 1].map((i) => reshape(slice(pair, 0, i, i + 1), [])) as [Value, Value];
  return where(cast(hot, "bool"), on, off);
}

export const gatherRules: Rules = {
  Gather: gatherOf,
  GatherElements: (node) => gatherElements(node.input(0), node.input(1), node.int("axis", 0)),
  GatherND: (node) => gatherNd(node.input(0), node.input(1), node.int("batch_dims", 0)),
  OneHot: oneHotOf,
  ScatterElements: scatterElementsOf,
  ScatterND: (node) => scatterNd(node.input(0), node.input(1), node.input(2), reductionOf(node)),
  TopK: topKOf,
};
