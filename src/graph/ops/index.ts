/** @file The list of operators, which the suite iterates over. */
import type { OpDef } from "../op.ts";
import { activationOps } from "./activation.ts";
import { alongAxisOps } from "./along-axis.ts";
import { arithmeticOps } from "./arithmetic.ts";
import { averagePoolOps } from "./average-pool.ts";
import { barrierOps } from "./barrier.ts";
import { channelNormOps } from "./channel-norm.ts";
import { compareOps } from "./compare.ts";
import { constantOps } from "./constant.ts";
import { convOps } from "./conv.ts";
import { crossEntropyOps } from "./cross-entropy.ts";
import { extremeOps } from "./extremes.ts";
import { gatherOps } from "./gather.ts";
import { gatherElementsOps } from "./gather-elements.ts";
import { gatherNdOps } from "./gather-nd.ts";
import { geluOps } from "./gelu.ts";
import { joinOps } from "./join.ts";
import { matmulOp } from "./matmul.ts";
import { maxPoolOps } from "./max-pool.ts";
import { normalizeOps } from "./normalize.ts";
import { normOps } from "./norms.ts";
import { padOps } from "./pad.ts";
import { pointwiseOps } from "./pointwise.ts";
import { powerOps } from "./powers.ts";
import { rangeOps } from "./range.ts";
import { reduceOps } from "./reduce.ts";
import { resizeOps } from "./resize.ts";
import { selectOps } from "./select.ts";
import { shapeOps } from "./shape.ts";
import { sizesOps } from "./sizes.ts";
import { sliceOps } from "./slice.ts";
import { softmaxOps } from "./softmax.ts";
import { topKOps } from "./top-k.ts";
import { trigonometryOps } from "./trigonometry.ts";
import { unitRowsOps } from "./unit-rows.ts";

export const operators: readonly OpDef[] = [
  ...constantOps,
  ...pointwiseOps,
  ...compareOps,
  ...selectOps,
  ...arithmeticOps,
  ...powerOps,
  ...extremeOps,
  ...activationOps,
  ...geluOps,
  ...trigonometryOps,
  ...shapeOps,
  ...sliceOps,
  ...padOps,
  ...joinOps,
  ...sizesOps,
  ...reduceOps,
  ...normOps,
  ...alongAxisOps,
  matmulOp,
  ...softmaxOps,
  ...normalizeOps,
  ...channelNormOps,
  ...unitRowsOps,
  ...gatherOps,
  ...gatherElementsOps,
  ...gatherNdOps,
  ...rangeOps,
  ...topKOps,
  ...resizeOps,
  ...crossEntropyOps,
  ...barrierOps,
  ...convOps,
  ...maxPoolOps,
  ...averagePoolOps,
] as unknown as readonly OpDef[];

export * from "./activation.ts";
export * from "./along-axis.ts";
export * from "./arithmetic.ts";
export * from "./average-pool.ts";
export * from "./barrier.ts";
export * from "./channel-norm.ts";
export * from "./compare.ts";
export * from "./constant.ts";
export * from "./conv.ts";
export * from "./cross-entropy.ts";
export * from "./einsum.ts";
export * from "./extremes.ts";
export * from "./gather.ts";
export * from "./gather-elements.ts";
export * from "./gather-nd.ts";
export * from "./gelu.ts";
export * from "./join.ts";
export * from "./matmul.ts";
export * from "./max-pool.ts";
export * from "./normalize.ts";
export * from "./norms.ts";
export * from "./pad.ts";
export * from "./pointwise.ts";
export * from "./powers.ts";
export * from "./range.ts";
export * from "./reduce.ts";
export * from "./resize.ts";
export * from "./select.ts";
export * from "./shape.ts";
export * from "./sizes.ts";
export * from "./slice.ts";
export * from "./softmax.ts";
export * from "./top-k.ts";
export * from "./trigonometry.ts";
export * from "./unit-rows.ts";
export * from "./windows.ts";
