/** @file Einstein summation, out of transpositions and matrix products. */
import { ShapeError } from "../../tensor/errors.ts";
import { type Dim, sizeOf } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { equal } from "./compare.ts";
import { type Label, parseEquation } from "./einsum-equation.ts";
import { matmul } from "./matmul.ts";
import { mul } from "./pointwise.ts";
import { range } from "./range.ts";
import { sum } from "./reduce.ts";
import { where } from "./select.ts";
import { reshape, transpose } from "./shape.ts";

/** A value whose axes have labels. */
interface Labelled {
  readonly x: Value;
  readonly labels: readonly Label[];
}

/**
 * Sums of products over named axes, as in "bhld,bhmd->bhlm": letters that the result lacks are summed over, a letter twice
 * in one operand means its diagonal, "..." stands for further axes, and axes of size 1 broadcast.
 *
 * @throws ShapeError for an equation that does not fit the operands
 */
export function einsum(equation: string, ...operands: readonly Value[]): Value {
  const shapes = operands.map((x) => x.shape);
  const { operands: labels, output } = parseEquation(equation, shapes);
  const sizes = new Map<Label, Dim>();
  const axes = shapes.flat();
  labels.flat().forEach((label, k) => {
    const [before = 1, size] = [sizes.get(label), axes[k]!];
    if (before !== 1 && size !== 1 && before !== size)
      throw new ShapeError("einsum", `einsum: "${equation}": axis ${label} has sizes ${before} and ${size}`);
    sizes.set(label, before === 1 ? size : before);
  });
  const parts = operands.map((x, i) => broadcastable(diagonal({ x, labels: labels[i]! }), sizes));
  const result = parts.slice(1).reduce((left, right, i) => {
    const later = parts.slice(i + 2).flatMap((part) => part.labels);
    return product(left, right, new Set([...output, ...later]), output);
  }, parts[0]!);
  return arranged(summed(result, new Set(output)), output).x;
}

const without = (labels: readonly Label[], taken: readonly Label[]): Label[] =>
  labels.filter((label) => !taken.includes(label));

/** Axes with the same label become one. */
function diagonal({ x, labels }: Labelled): Labelled {
  const first = labels.findIndex((label, axis) => labels.indexOf(label, axis + 1) >= 0);
  if (first < 0) return { x, labels };
  const second = labels.indexOf(labels[first]!, first + 1);
  const along = (axis: number): Value =>
    reshape(
      range(x.graph, x.size(axis)),
      x.shape.map((d, a) => (a === axis ? d : 1)),
    );
  const part = where(equal(along(first), along(second)), x, 0);
  return diagonal({ x: sum(part, [second]), labels: labels.toSpliced(second, 1) });
}

/** Without the axes of size 1 that stand for a larger size. */
function broadcastable({ x, labels }: Labelled, sizes: ReadonlyMap<Label, Dim>): Labelled {
  const kept = labels.map((label, axis) => x.shape[axis] === sizes.get(label));
  return {
    x: reshape(
      x,
      x.shape.filter((_, axis) => kept[axis]),
    ),
    labels: labels.filter((_, axis) => kept[axis]),
  };
}

function summed({ x, labels }: Labelled, needed: ReadonlySet<Label>): Labelled {
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  return { x: sum(x, axes), labels: labels.filter((label) => needed.has(label)) };
}

function arranged({ x, labels }: Labelled, order: readonly Label[]): Labelled {
  if (labels.join() === order.join()) return { x, labels };
  return {
    x: transpose(
      x,
      order.map((label) => labels.indexOf(label)),
    ),
    labels: order,
  };
}

/** The product of two operands, summed over labels that nobody needs any more. */
function product(a: Labelled, b: Labelled, needed: ReadonlySet<Label>, output: readonly Label[]): Labelled {
  const left = summed(a, new Set([...needed, ...b.labels]));
  const right = summed(b, new Set([...needed, ...a.labels]));
  const contracted = left.labels.filter((label) => right.labels.includes(label) && !needed.has(label));
  return contracted.length > 0 ? contraction(left, right, contracted, output) : outer(left, right, output);
}

/** Elementwise, in the order of the output as far as it is known. */
function outer(a: Labelled, b: Labelled, output: readonly Label[]): Labelled {
  const all = [...a.labels, ...without(b.labels, a.labels)];
  const labels = [...output.filter((label) => all.includes(label)), ...without(all, output)];
  const spread = (part: Labelled): Value => {
    const { x, labels: own } = arranged(
      part,
      labels.filter((label) => part.labels.includes(label)),
    );
    return reshape(
      x,
      labels.map((label) => (own.includes(label) ? x.size(own.indexOf(label)) : 1)),
    );
  };
  return { x: mul(spread(a), spread(b)), labels };
}

interface Layout {
  readonly first: Labelled;
  readonly second: Labelled;
  readonly batch: readonly Label[];
  readonly inner: readonly Label[];
}

/** As a matrix product, in the layout that moves the fewest tensors. */
function contraction(
  a: Labelled,
  b: Labelled,
  contracted: readonly Label[],
  output: readonly Label[],
): Labelled {
  const shared = a.labels.filter((label) => b.labels.includes(label) && !contracted.includes(label));
  const orders = (labels: readonly Label[]): Label[][] =>
    [a, b].map((part) => part.labels.filter((label) => labels.includes(label)));
  let best: (() => Labelled) | null = null;
  let moves = Number.POSITIVE_INFINITY;
  for (const [first, second] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const batch of orders(shared)) {
      for (const inner of orders(contracted)) {
        const layout = { first, second, batch, inner };
        const { moved, build } = planned(layout, output);
        if (moved < moves) [moves, best] = [moved, build];
      }
    }
  }
  return best!();
}

function planned({ first, second, batch, inner }: Layout, output: readonly Label[]) {
  const rows = without(first.labels, [...batch, ...inner]);
  const columns = without(second.labels, [...batch, ...inner]);
  const labels = [...batch, ...rows, ...columns];
  const is = (part: Labelled, ...order: (readonly Label[])[]): boolean =>
    part.labels.join() === order.flat().join();
  const transA = is(first, batch, inner, rows) && !is(first, batch, rows, inner);
  const transB = is(second, batch, columns, inner) && !is(second, batch, inner, columns);
  const orderA = [...batch, ...(transA ? [...inner, ...rows] : [...rows, ...inner])];
  const orderB = [...batch, ...(transB ? [...columns, ...inner] : [...inner, ...columns])];
  const wanted = output.filter((label) => labels.includes(label)); // other labels come last, and are summed later
  const moved = [is(first, orderA), is(second, orderB), labels.join().startsWith(wanted.join())];
  const build = (): Labelled => {
    const [x, y] = [arranged(first, orderA).x, arranged(second, orderB).x];
    const sizes = (part: Labelled, own: readonly Label[]): Dim[] =>
      own.map((label) => part.x.size(part.labels.indexOf(label)));
    const lead = sizes(first, batch);
    const [m, k, n] = [sizes(first, rows), sizes(first, inner), sizes(second, columns)];
    const [M, K, N] = [m, k, n].map(sizeOf) as [Dim, Dim, Dim];
    const left = reshape(x, [...lead, ...(transA ? [K, M] : [M, K])]);
    const right = reshape(y, [...lead, ...(transB ? [N, K] : [K, N])]);
    return { x: reshape(matmul(left, right, { transA, transB }), [...lead, ...m, ...n]), labels };
  };
  return { moved: moved.filter((still) => !still).length, build };
}
