/** @file Compiles a graph into programs of whatever opens sessions: in this process, in a worker or in a browser. */
import { Graph } from "../graph/graph.ts";
import { add } from "../graph/ops/index.ts";
import { writeOnnx } from "../onnx/write.ts";
import { type Bindings, bindShape, type DType, f32, knownShape } from "../tensor/spec.ts";
import type { RandomSpec, Session, SessionOptions } from "./ort.ts";
import {
  bindingsKey,
  bindingsOf,
  type Draw,
  type Feeds,
  fedValues,
  type Program,
  type RuntimeOptions,
} from "./runtime.ts";

/** Opens a session for ONNX bytes. */
export type OpenSession = (
  bytes: Uint8Array,
  types: Record<string, DType>,
  options: SessionOptions,
) => Promise<Session>;

/** Compiles a graph once for each set of bound shapes and keeps the sessions. */
export function compileWith(open: OpenSession, graph: Graph, options: RuntimeOptions = {}): Program {
  const { params = "stored", shapes = "bound", ...others } = options;
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
      session = open(bytes, types, { ...others, randoms: randomSpecs(graph, found) });
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

/** y = x + 1: where this fails, the fault is not the program's. */
export function leastProgram(): Graph {
  const graph = new Graph();
  graph.output("y", add(graph.input("x", f32(1)), 1));
  return graph;
}
