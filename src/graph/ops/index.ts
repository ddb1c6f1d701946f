/** @file The list of operators, which the suite iterates over. */
import type { OpDef } from "../op.ts";
import { compareOps } from "./compare.ts";
import { constantOps } from "./constant.ts";
import { crossEntropyOps } from "./cross-entropy.ts";
import { gatherOps } from "./gather.ts";
import { matmulOp } from "./matmul.ts";
import { normalizeOps } from "./normalize.ts";
import { pointwiseOps } from "./pointwise.ts";
import { reduceOps } from "./reduce.ts";
import { shapeOps } from "./shape.ts";
import { sizesOps } from "./sizes.ts";
import { softmaxOps } from "./softmax.ts";

export const operators: readonly OpDef[] = [
  ...constantOps,
  ...pointwiseOps,
  ...compareOps,
  ...shapeOps,
  ...sizesOps,
  ...reduceOps,
  matmulOp,
  ...softmaxOps,
  ...normalizeOps,
  ...gatherOps,
  ...crossEntropyOps,
] as unknown as readonly OpDef[];

export * from "./compare.ts";
export * from "./constant.ts";
export * from "./cross-entropy.ts";
export * from "./gather.ts";
export * from "./matmul.ts";
export * from "./normalize.ts";
export * from "./pointwise.ts";
export * from "./reduce.ts";
export * from "./shape.ts";
export * from "./sizes.ts";
export * from "./softmax.ts";
