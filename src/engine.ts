/** @file `sequitur/graph`: build a graph, differentiate it, write it as ONNX, run it. */
export * from "./core.ts";
export { readOnnxFile, type WriteFileOptions, writeOnnxFile } from "./onnx/file.ts";
export { compile, nodeRuntime } from "./runtime/node.ts";
export { workerRuntime } from "./runtime/worker.ts";
