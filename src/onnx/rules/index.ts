/** @file All translations of ONNX operators, by type. */
import type { Rules } from "../node.ts";
import { constantRules } from "./constants.ts";
import { gatherRules } from "./gather.ts";
import { partRules } from "./parts.ts";
import { pointwiseRules } from "./pointwise.ts";
import { productRules } from "./products.ts";
import { shapeRules } from "./shape.ts";
import { softmaxRules } from "./softmax.ts";

export const rules: Rules = {
  ...constantRules,
  ...gatherRules,
  ...partRules,
  ...pointwiseRules,
  ...productRules,
  ...shapeRules,
  ...softmaxRules,
};

/** Operators that only move elements, so that open dimensions can go through them. */
export const movers: ReadonlySet<string> = new Set([
  "Cast",
  "Concat",
  "Expand",
  "Flatten",
  "Gather",
  "GatherElements",
  "GatherND",
  "Identity",
  "Pad",
  "Reshape",
  "Slice",
  "Split",
  "Squeeze",
  "Tile",
  "Transpose",
  "Unsqueeze",
  "Where",
]);
