/** @file All translations of ONNX operators, by type. */
import type { Rules } from "../node.ts";
import { activationRules } from "./activation.ts";
import { attentionRules } from "./attention.ts";
import { constantRules } from "./constants.ts";
import { convRules } from "./conv.ts";
import { fusedRules } from "./fused.ts";
import { gatherRules } from "./gather.ts";
import { logicRules } from "./logic.ts";
import { normalizeRules } from "./normalize.ts";
import { partRules } from "./parts.ts";
import { pointwiseRules } from "./pointwise.ts";
import { poolRules } from "./pool.ts";
import { productRules } from "./products.ts";
import { reduceRules } from "./reduce.ts";
import { resizeRules } from "./resize.ts";
import { shapeRules } from "./shape.ts";
import { softmaxRules } from "./softmax.ts";

export const rules: Rules = {
  ...attentionRules,
  ...constantRules,
  ...convRules,
  ...fusedRules,
  ...gatherRules,
  ...normalizeRules,
  ...partRules,
  ...pointwiseRules,
  ...activationRules,
  ...logicRules,
  ...reduceRules,
  ...poolRules,
  ...productRules,
  ...resizeRules,
  ...shapeRules,
  ...softmaxRules,
};

/** Operators that only move elements, so that open dimensions can go through them. */
export const movers: ReadonlySet<string> = new Set([
  "Cast",
  "CastLike",
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
