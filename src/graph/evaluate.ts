/** @file The float64 meaning of a graph: every operator's reference, one node after the other. */
import { type Bindings, bindShape, type Dim } from "../tensor/dims.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { type DType, isFloat, knownShape } from "../tensor/spec.ts";
import { reachableNodes, type Value } from "./graph.ts";
import type { Attributes, OpDef } from "./op.ts";

/**
 * Evaluates `wanted` from the values known in `values`, which it extends by all that it computes.
 *
 * @throws ShapeError where a dimension stays open
 */
export function evaluate(
  wanted: readonly Value[],
  values: Map<Value, NdArray>,
  bindings: Bindings,
  missing: (value: Value) => Error,
): NdArray[] {
  const get = (value: Value): NdArray => {
    const found = values.get(value);
    if (!found) throw missing(value);
    return found;
  };
  const [first] = wanted;
  for (const node of first ? reachableNodes(first.graph, wanted) : []) {
    const shapes = node.outputs.map((y) => knownShape(bindShape(y.shape, bindings), node.op.name));
    const attributes = bindAttributes(node.op, node.attributes, bindings);
    const results = node.op.reference(node.inputs.map(get), attributes, shapes);
    node.outputs.forEach((y, i) => {
      values.set(y, settled(results[i]!, y.dtype));
    });
  }
  return wanted.map(get);
}

/** References compute with real numbers; results of integer types are cut towards zero, and bytes wrap around. */
function settled(x: NdArray, dtype: DType): NdArray {
  if (isFloat(dtype) || dtype === "bool") return x;
  const cut = x.data.map((v) => Math.trunc(v) + 0); // + 0 makes −0 a 0
  return { shape: x.shape, data: dtype === "uint8" ? cut.map((v) => ((v % 256) + 256) % 256) : cut };
}

/** The attributes, with bound names replaced in those that hold dimensions. */
export function bindAttributes(op: OpDef, attributes: Attributes, bindings: Bindings): Attributes {
  if (!op.dims) return attributes;
  const bound = Object.entries(attributes).map(([name, value]) => {
    if (!op.dims!.includes(name)) return [name, value];
    return [name, Array.isArray(value) ? bindShape(value, bindings) : bindShape([value as Dim], bindings)[0]];
  });
  return Object.fromEntries(bound);
}
