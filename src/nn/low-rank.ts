/** @file Low-rank updates of one weight: their factors, what they add to a layer's output, and to the weight itself. */
import type { Node, Value } from "../graph/graph.ts";
import { conv, matmul, mul, reshape } from "../graph/ops/index.ts";
import { stream } from "../tensor/random.ts";
import { count, knownShape, numbers, type Tensor, typed } from "../tensor/spec.ts";
import type { WeightUse } from "./weights.ts";

/**
 * How the factors multiply; `a` belongs to the inputs of the layer, `b` to its outputs. "ab": [I, R]·[R, O]; "ba":
 * [O, R]·[R, I]; both with the leading axes of the weight. "conv": b [O, R, 1…] after a [R, I, K…].
 */
export type Form = "ab" | "ba" | "conv";

/** What merging needs besides the values. */
export interface Merge {
  readonly form: Form;
  /** Multiplies the product of the factors. */
  readonly scale: number;
}

export interface Update extends Merge {
  readonly a: Value;
  readonly b: Value;
}

/** The layout that suits a use of a weight. */
export function formOf({ op, attributes }: Node, { weight, at, flipped }: WeightUse): Form {
  if (op.name !== "matmul") return weight.rank > 2 ? "conv" : "ab";
  const transposed = attributes[at === 0 ? "transA" : "transB"] !== flipped;
  return transposed === (at === 0) ? "ab" : "ba";
}

function shapesOf(shape: readonly number[], form: Form, rank: number): Record<"a" | "b", number[]> {
  if (form === "conv") {
    const [outputs, ...inputs] = shape;
    return { a: [rank, ...inputs], b: [outputs!, rank, ...inputs.slice(1).map(() => 1)] };
  }
  const left = shape.with(-1, rank);
  const right = shape.with(-2, rank);
  return form === "ab" ? { a: left, b: right } : { a: right, b: left };
}

/** Declares the factors of a weight: NAME.lora.a is noise of deviation 1/√inputs, NAME.lora.b is zero. */
export function declareUpdate(
  weight: Value,
  name: string,
  { form, scale, rank, seed }: Merge & { readonly rank: number; readonly seed: number },
): Update {
  const shapes = shapesOf(knownShape(weight.shape, `lora: "${name}"`), form, rank);
  const declare = (part: "a" | "b", data: ArrayLike<number>): Value => {
    const spec = { dtype: weight.dtype, shape: shapes[part] };
    return weight.graph.param(`${name}.lora.${part}`, spec, {
      data: typed(spec.dtype, data),
      shape: spec.shape,
    });
  };
  const inputs = form === "conv" ? count(shapes.a.slice(1)) : shapes.a.at(form === "ab" ? -2 : -1)!;
  const noise = stream(seed, "lora", name).fillNormal(
    new Float32Array(count(shapes.a)),
    1 / Math.sqrt(inputs),
  );
  const zero = new Float32Array(count(shapes.b));
  return { form, scale, a: declare("a", noise), b: declare("b", zero) };
}

/** scale·B·A in the shape of the weight. */
export function difference(weight: Value, { form, scale, a, b }: Update): Value {
  if (form !== "conv") return form === "ab" ? matmul(a, b, { scale }) : matmul(b, a, { scale });
  const [outputs, rank] = b.shape as number[];
  const inputs = count(a.shape.slice(1) as number[]);
  return reshape(matmul(reshape(b, [outputs!, rank!]), reshape(a, [rank!, inputs]), { scale }), weight.shape);
}

/**
 * What the update of a weight adds to the output of a node, computed beside it: a gradient of the weight, as large as
 * the weight, is then needed nowhere. null where the node has no such form.
 */
export function beside(
  { op, attributes }: Node,
  inputs: readonly Value[],
  { at, flipped }: WeightUse,
  update: Update,
): Value | null {
  const { form, scale, a, b } = update;
  const [left, right] = form === "ab" ? [a, b] : [b, a]; // the update is left·right
  if (op.name === "matmul" && form !== "conv") {
    const transA = attributes.transA !== (flipped && at === 0);
    const transB = attributes.transB !== (flipped && at === 1);
    const last = { scale: scale * attributes.scale };
    const x = inputs[1 - at]!;
    if (at === 1 && transB) return matmul(matmul(x, right, { transA, transB }), left, { transB, ...last });
    if (at === 1) return matmul(matmul(x, left, { transA }), right, last);
    if (transA) return matmul(right, matmul(left, x, { transA, transB }), { transA, ...last });
    return matmul(left, matmul(right, x, { transB }), last);
  }
  if (op.name === "conv" && at === 1 && attributes.groups === 1) {
    const inner = a.graph.apply(op, [inputs[0]!, a], attributes)[0]!; // [B, R, S…]
    return conv(inner, scale === 1 ? b : mul(b, scale));
  }
  if (op.selects?.table === at && left!.rank === 2) {
    const selecting = inputs.map((x, i) => (i === at ? left! : x));
    return matmul(left!.graph.apply(op, selecting, attributes)[0]!, right!, { scale });
  }
  return null;
}

/** W + scale·B·A; stacked weights are products one by one. */
export function mergedWeight(w: Tensor, a: Tensor, b: Tensor, { form, scale }: Merge): Tensor {
  const conv = form === "conv";
  const [left, right] = (form === "ab" ? [a, b] : [b, a]).map(({ data }) => numbers(data));
  const rank = conv ? a.shape[0]! : (form === "ab" ? a : b).shape.at(-1)!;
  const rows = conv ? w.shape[0]! : w.shape.at(-2)!;
  const columns = conv ? count(w.shape.slice(1)) : w.shape.at(-1)!;
  const values = numbers(w.data).map((value, i) => {
    const row = Math.floor(i / columns);
    const start = Math.floor(row / rows) * rank * columns + (i % columns);
    let total = 0;
    for (let k = 0; k < rank; k++) total += left![row * rank + k]! * right![start + k * columns]!;
    return value + scale * total;
  });
  return { data: typed(w.data instanceof Float64Array ? "float64" : "float32", values), shape: w.shape };
}
