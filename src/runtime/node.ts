/** @file The in-process runtime: ONNX Runtime on the calling thread. A run blocks the event loop; servers use the worker. */
import { availableParallelism } from "node:os";
import type { Graph } from "../graph/graph.ts";
import { writeOnnx } from "../onnx/write.ts";
import type { DType } from "../tensor/spec.ts";
import {
  bindingsKey,
  bindingsOf,
  type Feeds,
  fedValues,
  type Program,
  type Runtime,
  type RuntimeOptions,
} from "./runtime.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";

/** Opens a session for ONNX bytes; the worker runtime puts its own in this place. */
export type OpenSession = (
  bytes: Uint8Array,
  types: Record<string, DType>,
  options: SessionOptions,
) => Promise<Session>;

/** Compiles a graph once for each set of bound shapes and keeps the sessions. */
export function compileWith(open: OpenSession, graph: Graph, options: RuntimeOptions = {}): Program {
  const { threads = availableParallelism(), params = "stored", shapes = "bound", profile } = options;
  const fed = fedValues(graph, params);
  const types = Object.fromEntries([...fed].map(([name, value]) => [name, value.dtype]));
  const sessions = new Map<string, Promise<Session>>();
  const sessionFor = (feeds: Feeds): Promise<Session> => {
    const found = bindingsOf(fed, feeds);
    const bindings = shapes === "bound" ? found : {};
    const key = bindingsKey(bindings);
    let session = sessions.get(key);
    if (!session) {
      const bytes = writeOnnx(graph, { bindings, params: params === "fed" ? "inputs" : "initializers" });
      session = open(bytes, types, { threads, ...(profile ? { profile } : {}) });
      sessions.set(key, session);
    }
    return session;
  };
  return {
    run: async (feeds) => (await sessionFor(feeds)).run(feeds),
    async dispose() {
      for (const session of sessions.values()) await (await session).release();
      sessions.clear();
    },
  };
}

export const nodeRuntime: Runtime = {
  name: "node",
  compile: async (graph, options) => compileWith(openSession, graph, options),
  dispose: async () => {},
};

/** Compiles for this process: `program.run(feeds)` gives the outputs by name. */
export const compile = (graph: Graph, options?: RuntimeOptions): Promise<Program> =>
  nodeRuntime.compile(graph, options);
