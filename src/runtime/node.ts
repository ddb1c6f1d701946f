/** @file The in-process runtime: ONNX Runtime on the calling thread. A run blocks the event loop; servers use the worker. */
import type { Graph } from "../graph/graph.ts";
import { compileWith } from "./compile.ts";
import { memoryBytes } from "./memory.ts";
import type { Program, Runtime, RuntimeOptions } from "./runtime.ts";
import { openSession } from "./session.ts";

export const nodeRuntime: Runtime = {
  name: "node",
  compile: async (graph, options) => compileWith(openSession, graph, options, memoryBytes()),
  dispose: async () => {},
};

/** Compiles for this process: `program.run(feeds)` gives the outputs by name. */
export const compile = (graph: Graph, options?: RuntimeOptions): Promise<Program> =>
  nodeRuntime.compile(graph, options);
