/** @file The engine but for the runtimes of a platform: what Node and a browser have in common. */
export { type BackwardOptions, backward, type GradientOptions, gradient } from "./autodiff/gradient.ts";
export { type Section, traceSection } from "./autodiff/recompute.ts";
export { cloneGraph, Graph, type Node, print, Value } from "./graph/graph.ts";
export { type Attributes, defineOp, type Emitter, type OpDef, type Sample } from "./graph/op.ts";
export * from "./graph/ops/index.ts";
export {
  type AdapterOptions,
  adapters,
  freeze,
  type LoraOptions,
  lora,
  mergeLora,
  type Pattern,
  type Patterns,
  trainable,
  unfreeze,
} from "./nn/adapt.ts";
export * as layers from "./nn/layers.ts";
export { type Init, Params } from "./nn/params.ts";
export { type ReadOptions, readOnnx } from "./onnx/read.ts";
export { type WriteOptions, writeOnnx } from "./onnx/write.ts";
export type { Device } from "./runtime/device.ts";
export { referenceRuntime } from "./runtime/reference.ts";
export type { Feeds, Program, Runtime, RuntimeOptions } from "./runtime/runtime.ts";
export { ConfigError, DataError, RuntimeFailure, ShapeError } from "./tensor/errors.ts";
export { readSafetensors, writeSafetensors } from "./tensor/safetensors.ts";
export {
  bool,
  type Dim,
  type DType,
  f32,
  i32,
  type Shape,
  type Tensor,
  type TensorSpec,
} from "./tensor/spec.ts";
