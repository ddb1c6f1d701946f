/** @file Translations of reductions, running sums and arg-extremes. */
import {
  argMax,
  argMin,
  cumSum,
  l1,
  l2,
  logSum,
  logSumExp,
  max,
  mean,
  min,
  prod,
  sum,
  sumSquare,
} from "../../graph/ops/index.ts";
import type { OnnxNode, Rule, Rules } from "../node.ts";

/** No axes are all of them, unless `noop_with_empty_axes` says that they are none. */
const reduced =
  (f: typeof sum): Rule =>
  (node) => {
    const x = node.input(0);
    const axes = node.intsAt(1, "axes") ?? [];
    const none = axes.length === 0 && node.int("noop_with_empty_axes", 0) === 1;
    const all = x.shape.map((_, axis) => axis);
    return f(x, axes.length > 0 || none ? axes : all, { keep: none || node.int("keepdims", 1) === 1 });
  };

const chosen =
  (f: typeof argMax): Rule =>
  (node) =>
    f(node.input(0), node.int("axis", 0), {
      keep: node.int("keepdims", 1) === 1,
      ties: node.int("select_last_index", 0) === 1 ? "last" : "first",
    });

function running(node: OnnxNode) {
  const axis = node.numbers(1, "axis");
  if (axis.length !== 1) node.fail(`its axis must be one number, not ${axis.length}`);
  return cumSum(node.input(0), axis[0]!, {
    exclusive: node.int("exclusive", 0) === 1,
    reverse: node.int("reverse", 0) === 1,
  });
}

export const reduceRules: Rules = {
  ReduceSum: reduced(sum),
  ReduceMean: reduced(mean),
  ReduceMax: reduced(max),
  ReduceMin: reduced(min),
  ReduceProd: reduced(prod),
  ReduceL1: reduced(l1),
  ReduceL2: reduced(l2),
  ReduceSumSquare: reduced(sumSquare),
  ReduceLogSum: reduced(logSum),
  ReduceLogSumExp: reduced(logSumExp),
  CumSum: running,
  ArgMax: chosen(argMax),
  ArgMin: chosen(argMin),
};
