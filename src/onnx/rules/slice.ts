/** @file Translation of Slice: places that count from the end, lie outside, or are open dimensions. */
import type { Value } from "../../graph/graph.ts";
import { sliceAxes } from "../../graph/ops/index.ts";
import { addDims, type Dim, maxDims, minDims, subtractDims } from "../../tensor/dims.ts";
import { normalizeAxis } from "../../tensor/spec.ts";
import type { OnnxNode } from "../node.ts";

/** Ends this far away mean "all that is left" in exported files. */
const farAway = 2 ** 31 - 1;

/** Whether a dimension is below 0 for all sizes: a sum of terms that are all taken away. */
function isNegative(d: Dim): boolean {
  if (typeof d === "number") return d < 0;
  let outside = d;
  while (outside.includes("(")) outside = outside.replace(/\([^()]*\)/g, "");
  return outside.startsWith("-") && !outside.includes("+");
}

/** Whether a > b for all sizes. */
function exceeds(a: Dim, b: Dim): boolean {
  const difference = subtractDims(a, b);
  return typeof difference === "number" && difference > 0;
}

/** Between which places an end of a part may lie, and on which side an open axis may be too short for it. */
interface Bounds {
  readonly lowest: Dim;
  readonly highest: Dim;
  readonly short: "below" | "above" | "never";
}

/**
 * A place counted from the start and moved between the bounds. Where that depends on names, the place is taken to be
 * inside (an exported `position[:, :L]` has L positions; the slice checks it once the names are bound), but for lengths
 * that are meant for shorter axes too, as in `[:512]` and `[-512:]`.
 */
function placeOf(at: Dim, size: Dim, { lowest, highest, short }: Bounds): Dim {
  if (typeof at === "number" && Math.abs(at) >= farAway) return at > 0 ? highest : lowest;
  const counted = isNegative(at) ? addDims(size, at) : at;
  if (typeof at === "number" && at < -1 && short === "below") return maxDims(counted, lowest);
  if (typeof at === "number" && at > 1 && short === "above") return minDims(counted, highest);
  const raised = exceeds(lowest, counted) ? lowest : counted;
  return exceeds(raised, highest) ? highest : raised;
}

/** First place and end of a part along an axis. */
function endsOf(start: Dim, end: Dim, size: Dim, step: number): [Dim, Dim] {
  const single = step > 0 && subtractDims(end, start) === 1 && isNegative(start) === isNegative(end);
  const [lowest, highest] = step > 0 ? [0, size] : [-1, subtractDims(size, 1)];
  const short = (side: "below" | "above") => (single ? "never" : side);
  const first = placeOf(start, size, { lowest: 0, highest, short: short(step > 0 ? "below" : "above") });
  const stop = placeOf(end, size, { lowest, highest, short: short(step > 0 ? "above" : "below") });
  const empty = step > 0 ? exceeds(first, stop) : exceeds(stop, first);
  return [first, empty ? first : stop];
}

export function sliceOf(node: OnnxNode): Value {
  const x = node.input(0);
  const [from, to] = [node.dims(1, "list of starts"), node.dims(2, "list of ends")];
  const axes = (node.has(3) ? node.numbers(3, "list of axes") : from.map((_, i) => i)).map((axis) =>
    normalizeAxis(axis, x.rank, "Slice"),
  );
  const steps = node.has(4) ? node.numbers(4, "list of steps") : from.map(() => 1);
  if ([to, axes, steps].some((list) => list.length !== from.length))
    node.fail(
      `it has ${from.length} starts, ${to.length} ends, ${axes.length} axes and ${steps.length} steps`,
    );
  if (new Set(axes).size < axes.length) node.fail(`its axes ${axes} name one twice`);
  if (steps.includes(0)) node.fail("one of its steps is 0");
  const parts = axes.map((axis, i) => endsOf(from[i]!, to[i]!, x.size(axis), steps[i]!));
  return sliceAxes(x, { axes, starts: parts.map(([s]) => s), ends: parts.map(([, e]) => e), steps });
}
