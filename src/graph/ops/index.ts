/** @file The list of operators, which the suite iterates over. */
import type { OpDef } from "../op.ts";
import { compareOps } from "./compare.ts";
import { constantOps } from "./constant.ts";
import { crossEntropyOps } from "./cross-entropy.ts";
import { gatherOps } from "./gather.ts";
import { gatherElementsOps } from "./gather-elements.ts";
import { gatherNdOps } from "./gather-nd.ts";
import { joinOps } from "./join.ts";
import { matmulOp } from "./matmul.ts";
import { normalizeOps } from "./normalize.ts";
import { padOps } from "./pad.ts";
import { pointwiseOps } from "./pointwise.ts";
import { rangeOps } from "./range.ts";
import { reduceOps } from "./reduce.ts";
import { shapeOps } from "./shape.ts";
import { sizesOps } from "./sizes.ts";
import { sliceOps } from "./slice.ts";
import { softmaxOps } from "./softmax.ts";
import { topKOps } from "./top-k.ts";
import { unitRowsOps } from "./unit-rows.ts";

export const operators: readonly OpDef[] = [
  ...constantOps,
  ...pointwiseOps,
  ...compareOps,
  ...shapeOps,
  ...sliceOps,
  ...padOps,
  ...joinOps,
  ...sizesOps,
  ...reduceOps,
  matmulOp,
  ...softmaxOps,
  ...normalizeOps,
  ...unitRowsOps,
  ...gatherOps,
  ...gatherElementsOps,
  ...gatherNdOps,
  ...rangeOps,
  ...topKOps,
  ...crossEntropyOps,
] as unknown as readonly OpDef[];

export * from "./compare.ts";
export * from "./constant.ts";
export * from "./cross-entropy.ts";
export * from "./gather.ts";
export * from "./gather-elements.ts";
export * from "./gather-nd.ts";
export * from "./join.ts";
export * from "./matmul.ts";
export * from "./normalize.ts";
export * from "./pad.ts";
export * from "./pointwise.ts";
export * from "./range.ts";
export * from "./reduce.ts";
export * from "./shape.ts";
export * from "./sizes.ts";
export * from "./slice.ts";
export * from "./softmax.ts";
export * from "./top-k.ts";
export * from "./unit-rows.ts";
