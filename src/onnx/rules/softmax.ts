/** @file Translations of softmax and its logarithm. */
import type { Value } from "../../graph/graph.ts";
import { logSoftmax, reshape, softmax } from "../../graph/ops/index.ts";
import { normalizeAxis, sizeOf } from "../../tensor/spec.ts";
import type { OnnxNode, Rule, Rules } from "../node.ts";

/** Before opset 13 all axes from `axis` on were one row. */
const along =
  (f: (x: Value, axis: number) => Value): Rule =>
  (node: OnnxNode) => {
    const x = node.input(0);
    if (node.opset >= 13) return f(x, node.int("axis", -1));
    const from = node.int("axis", 1);
    // The axis may also be the rank: rows of one element.
    const axis = from === x.rank ? from : normalizeAxis(from, x.rank, node.type);
    if (axis === x.rank - 1) return f(x, axis);
    const rows = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))];
    return reshape(f(reshape(x, rows), 1), x.shape);
  };

export const softmaxRules: Rules = { Softmax: along(softmax), LogSoftmax: along(logSoftmax) };
