/** @file The in-process runtime: ONNX Runtime on the calling thread. A run blocks the event loop; servers use the worker. */
import { availableParallelism } from "node:os";
import type { Graph } from "../graph/graph.ts";
import { writeOnnx } from "../onnx/write.ts";
import { type Bindings, bindShape, type DType, knownShape } from "../tensor/spec.ts";
import {
  bindingsKey,
  bindingsOf,
  type Draw,
  type Feeds,
  fedValues,
  type Program,
  type Runtime,
  type RuntimeOptions,
} from "./runtime.ts";
import { openSession, type RandomSpec, type Session, type SessionOptions } from "./session.ts";

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
  const sessionFor = (feeds: Feeds, draw?: Draw): Promise<Session> => {
    const found = bindingsOf(fed, feeds, draw ? graph.randoms : undefined);
    // Random inputs are drawn for one shape, so graphs that have some are always bound.
    const bindings = shapes === "bound" || graph.randoms.size > 0 ? found : {};
    const key = bindingsKey(bindings);
    let session = sessions.get(key);
    if (!session) {
      const bytes = writeOnnx(graph, { bindings, params: params === "fed" ? "inputs" : "initializers" });
      const randoms = randomSpecs(graph, found);
      session = open(bytes, types, { threads, randoms, ...(profile ? { profile } : {}) });
      session.catch(() => sessions.delete(key)); // what failed is tried again, and is nothing to release
      sessions.set(key, session);
    }
    return session;
  };
  return {
    run: async (feeds, draw) => (await sessionFor(feeds, draw)).run(feeds, draw),
    async dispose() {
      for (const session of sessions.values()) await (await session).release();
      sessions.clear();
    },
  };
}

const randomSpecs = (graph: Graph, bindings: Bindings): Record<string, RandomSpec> =>
  Object.fromEntries(
    [...graph.randoms].map(([name, { keep }]) => {
      const shape = bindShape(graph.inputs.get(name)!.shape, bindings);
      return [name, { keep, shape: knownShape(shape, `random input ${name}`) }];
    }),
  );

export const nodeRuntime: Runtime = {
  name: "node",
  compile: async (graph, options) => compileWith(openSession, graph, options),
  dispose: async () => {},
};

/** Compiles for this process: `program.run(feeds)` gives the outputs by name. */
export const compile = (graph: Graph, options?: RuntimeOptions): Promise<Program> =>
  nodeRuntime.compile(graph, options);
