/** @file What is computed while reading: nodes whose inputs are known already. */
import { type Graph, Value } from "../graph/graph.ts";
import { cast, constant, fill, reshape, sizes } from "../graph/ops/index.ts";
import { ShapeError } from "../tensor/errors.ts";
import { type Budget, fold, foldArithmetic, foldVector, isOpen, type Known } from "./known.ts";
import type { OnnxNode, Result, Rule, Slot } from "./node.ts";
import { movers } from "./rules/index.ts";

export const list = (results: Result | readonly Result[]): readonly Result[] =>
  Array.isArray(results) ? results : [results as Result];

/** Outputs that follow from contents alone; null where the node must become part of the graph. */
export function folded(node: OnnxNode, rule: Rule, budget: Budget): readonly Known[] | null {
  const { slots } = node;
  if (slots.length === 0 || !slots.some(Boolean)) return null;
  if (node.type === "Where") {
    const either = sameEitherWay(node);
    if (either) return [either];
  }
  if (slots.some((slot) => slot && (slot.trainable || !slot.known))) return null;
  const contents = slots.map((slot) => slot?.known ?? null);
  const open = contents.some((c) => c && isOpen(c));
  if (open && !movers.has(node.type))
    return asList(foldArithmetic(node.type, contents, budget) ?? totalOf(node, contents[0] ?? null));
  try {
    return computed(node, rule, contents, budget);
  } catch (error) {
    // A shape that depends on an open dimension makes no contents.
    if (error instanceof ShapeError && error.code === "unbound-dimension") return null;
    throw error;
  }
}

/** The sum, product or extreme of a vector of open dimensions. */
function totalOf(node: OnnxNode, x: Known | null): Known | null {
  if (!x || node.int("noop_with_empty_axes", 0) === 1) return null;
  return foldVector(node.type, x, node.int("keepdims", 1) === 1);
}

/** The scalar that a Where gives whatever its condition is: files have them to fix an order of execution. */
function sameEitherWay({ slots: [condition, yes, no] }: OnnxNode): Known | null {
  if (yes?.trainable || no?.trainable || condition?.value().rank !== 0) return null;
  const [a, b] = [yes?.known, no?.known];
  const same =
    a && b && a.values.length === 1 && b.values.length === 1 && Object.is(a.values[0], b.values[0]);
  return same && a.shape.length === 0 && b.shape.length === 0 ? a : null;
}

/** Runs a rule on contents; what it returns as contents already stays as it is. */
function computed(
  node: OnnxNode,
  rule: Rule,
  contents: readonly (Known | null)[],
  budget: Budget,
): Known[] | null {
  const order: (Known | null)[] = [];
  const traced = fold(contents, budget, (graph, values) => {
    const inner = node.slots.map((slot, i) => slot && { known: slot.known, value: () => values[i]! });
    return list(rule(node.on(graph, inner))).flatMap((result) => {
      const settled = result instanceof Value ? null : result;
      order.push(settled);
      return result instanceof Value ? [result] : [];
    });
  });
  return traced && order.map((settled) => settled ?? traced.shift()!);
}

const asList = (result: Known | null): Known[] | null => (result ? [result] : null);

/** A result as later nodes see it: contents become a value where one is asked for. */
export function slotOf(graph: Graph, result: Result): Slot {
  if (result instanceof Value) return { known: null, value: () => result };
  let value: Value | null = null;
  return {
    known: result,
    value() {
      value ??= isOpen(result)
        ? cast(reshape(sizes(graph, result.values), result.shape), result.dtype)
        : literal(graph, result);
      return value;
    },
  };
}

/** Longer tensors of one value take no room in a file. */
const longestList = 64;

function literal(graph: Graph, { dtype, shape, values }: Known): Value {
  const [first] = values as readonly number[];
  const uniform = values.length > longestList && values.every((v) => Object.is(v, first));
  return uniform
    ? fill(graph, shape, first!, dtype)
    : constant(graph, dtype, shape, values as readonly number[]);
}
