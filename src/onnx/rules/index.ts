/** @file All translations of ONNX operators, by type. */
import type { Rules } from "../node.ts";
import { pointwiseRules } from "./pointwise.ts";
import { productRules } from "./products.ts";
import { shapeRules } from "./shape.ts";
import { softmaxRules } from "./softmax.ts";

export const rules: Rules = { ...pointwiseRules, ...productRules, ...shapeRules, ...softmaxRules };

/** Operators that only move elements, so that open dimensions can go through them. */
export const movers: ReadonlySet<string> = new Set([
  "Cast",
  "Concat",
  "Gather",
  "Identity",
  "Reshape",
  "Transpose",
]);
