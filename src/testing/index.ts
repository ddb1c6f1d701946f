/** @file The laws of operators and parts, for those who write their own. */
export * from "./check-backbone.ts";
export * from "./check-items.ts";
export * from "./check-model.ts";
export * from "./check-op.ts";
export * from "./check-parts.ts";
export * from "./use.ts";
