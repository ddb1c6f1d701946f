/** @file The worker runtime: programs run in a thread of their own, so the event loop of the caller stays free. */
import { Worker } from "node:worker_threads";
import { ConfigError, RuntimeFailure } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import { compileWith, leastProgram } from "./compile.ts";
import type { Device } from "./device.ts";
import { memoryBytes } from "./memory.ts";
import { lostSession, type Session } from "./ort.ts";
import type { Runtime } from "./runtime.ts";
import type { Reply, Request } from "./worker-messages.ts";

type Unsent<R> = R extends Request ? Omit<R, "call"> : never;

interface Pending {
  readonly resolve: (outputs: Record<string, Tensor>) => void;
  readonly reject: (error: Error) => void;
}

const errorOf = ({ code, message, badInput }: Extract<Reply, { error: object }>["error"]): Error =>
  badInput ? new ConfigError(code, message) : new RuntimeFailure(code, message);

/** Threads that may be started in the place of ended ones, within so many milliseconds. */
const restarts = { most: 3, withinMs: 60_000 } as const;

/** One thread and what it has been asked. */
interface Thread {
  /** Why it takes no more requests. */
  readonly ended: RuntimeFailure | null;
  /** @throws RuntimeFailure of code "worker" where the thread has ended or ends meanwhile */
  send(request: Unsent<Request>): Promise<Record<string, Tensor>>;
  terminate(): Promise<unknown>;
}

function startThread(): Thread {
  const worker = new Worker(new URL("./worker-entry.js", import.meta.url));
  const pending = new Map<number, Pending>();
  let calls = 0;
  let ended: RuntimeFailure | null = null;

  const fail = (error: RuntimeFailure): void => {
    ended ??= error; // a thread that failed also ends: the first reason is the one to tell
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  };
  worker.on("message", (reply: Reply) => {
    const entry = pending.get(reply.call);
    pending.delete(reply.call);
    if (pending.size === 0) worker.unref();
    if ("error" in reply) entry?.reject(errorOf(reply.error));
    else entry?.resolve(reply.outputs ?? {});
  });
  worker.on("error", (error) =>
    fail(new RuntimeFailure(lostSession, `the model thread failed: ${error.message}`)),
  );
  worker.on("exit", () => fail(new RuntimeFailure(lostSession, "the model thread has ended")));
  worker.unref(); // last, because a listener for messages keeps the process alive again
  return {
    get ended() {
      return ended;
    },
    send: (request) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended);
        const call = calls++;
        pending.set(call, { resolve, reject });
        worker.ref();
        worker.postMessage({ ...request, call });
      }),
    terminate: () => worker.terminate(),
  };
}

/** Gives the thread of the moment: one that has ended is replaced, unless too many have ended of late. */
function threadKeeper(): { current(): Thread; close(): Promise<void> } {
  let thread = startThread();
  let closed = false;
  let started: number[] = [];
  return {
    current() {
      if (thread.ended === null || closed) return thread;
      const now = performance.now();
      started = started.filter((time) => now - time < restarts.withinMs);
      if (started.length >= restarts.most) return thread;
      started.push(now);
      thread = startThread();
      return thread;
    },
    async close() {
      closed = true;
      // Ending a thread inside a native call aborts the whole process: what runs comes to its end first.
      await thread.send({ kind: "close" }).catch(() => {});
      await thread.terminate();
    },
  };
}

/**
 * Starts a thread that executes programs. Arrays are copied on the way in, except those on a SharedArrayBuffer, and
 * moved on the way out. The thread does not keep the process alive while nothing runs. A thread that ends by itself is
 * replaced at the next run, which opens its programs again.
 */
export function workerRuntime(): Runtime {
  const threads = threadKeeper();
  let sessions = 0;

  const open: Parameters<typeof compileWith>[0] = async (bytes, types, options) => {
    const session = sessions++;
    const thread = threads.current();
    await thread.send({ kind: "open", session, bytes, types, options });
    const opened: Session = {
      run: (feeds, draw) => thread.send({ kind: "run", session, feeds, draw }),
      prepare: () => {}, // the thread does so by itself
      release: async () => void (thread.ended === null && (await thread.send({ kind: "release", session }))),
    };
    return opened;
  };
  return {
    name: "worker",
    compile: async (graph, options) => compileWith(open, graph, options, memoryBytes()),
    dispose: () => threads.close(),
  };
}

/** Runs the least program on a device, in a thread of its own. @throws ConfigError that says what is missing */
export async function requireDevice(device: Device): Promise<void> {
  if (device === "cpu") return;
  const runtime = workerRuntime();
  try {
    const program = await runtime.compile(leastProgram(), { device });
    await program.run({ x: { data: new Float32Array(1), shape: [1] } });
  } finally {
    await runtime.dispose();
  }
}
