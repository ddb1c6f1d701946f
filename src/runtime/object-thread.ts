/** @file An object in a thread of its own: its methods are called by messages, so that the caller's event loop stays free. */
import { parentPort, Worker } from "node:worker_threads";
import { ConfigError, DataError, isBadInput, RuntimeFailure } from "../tensor/errors.ts";

interface Call {
  readonly call: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

interface Reply {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code: string; readonly kind: string };
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** A thread with an object in it. */
export interface ObjectThread<Head> {
  /** What the object says of itself once it is open. @throws what opening it throws */
  readonly head: Promise<Head>;
  /** Why it answers no more; null while it does. */
  readonly ended: RuntimeFailure | null;
  /** Calls a method; arguments and result are copied. @throws RuntimeFailure of code "worker" where the thread ends */
  send<T>(method: string, args: readonly unknown[]): Promise<T>;
  terminate(): Promise<unknown>;
}

export interface ThreadOptions {
  /** The module that calls `serveObject`. */
  readonly entry: URL;
  /** What the module finds in `workerData`. */
  readonly data: unknown;
  /** What it is called in errors, such as "search thread". */
  readonly name: string;
  /** The most memory of what lives shortly; as much as the engine finds right by default. */
  readonly youngMegabytes?: number;
  /** Told what the thread says by `tell`. */
  readonly onMessage?: ((text: string) => void) | undefined;
}

const errorOf = ({ message, code, kind }: NonNullable<Reply["error"]>): Error => {
  if (kind === "DataError") return new DataError(code, message);
  return kind === "ConfigError" ? new ConfigError(code, message) : new RuntimeFailure(code, message);
};

/** Starts a thread. It keeps the process alive only while it is at work. */
export function startObject<Head>(options: ThreadOptions): ObjectThread<Head> {
  const { entry, data, name, youngMegabytes: maxYoungGenerationSizeMb } = options;
  const resourceLimits = maxYoungGenerationSizeMb === undefined ? {} : { maxYoungGenerationSizeMb };
  const worker = new Worker(entry, { workerData: data, resourceLimits });
  const pending = new Map<number, Pending>();
  let ended: RuntimeFailure | null = null;
  let calls = 0;
  const promised = <T>(call: number): Promise<T> =>
    new Promise((resolve, reject) => {
      pending.set(call, { resolve: resolve as Pending["resolve"], reject });
      worker.ref();
    });
  const fail = (message: string): void => {
    ended ??= new RuntimeFailure("worker", message);
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  };
  worker.on("message", (message: Reply | string) => {
    if (typeof message === "string") return options.onMessage?.(message);
    const { call, value, error } = message;
    const entry = pending.get(call);
    pending.delete(call);
    if (pending.size === 0) worker.unref();
    if (error) entry?.reject(errorOf(error));
    else entry?.resolve(value as never);
  });
  worker.on("error", (error) => fail(`the ${name} failed: ${error.message}`));
  worker.on("exit", () => fail(`the ${name} has ended`));
  return {
    head: promised<Head>(calls++),
    get ended() {
      return ended;
    },
    send<T>(method: string, args: readonly unknown[]): Promise<T> {
      if (ended) return Promise.reject(ended);
      const call = calls++;
      const answer = promised<T>(call);
      worker.postMessage({ call, method, args } satisfies Call);
      return answer;
    },
    terminate: () => worker.terminate(),
  };
}

/** In the thread: says something to who started it. */
export const tell = (text: string): void => parentPort!.postMessage(text);

/** In the thread: opens the object, says `headOf` it, and answers one call of a method after the other. */
export async function serveObject<T extends object>(
  open: () => Promise<T>,
  headOf: (opened: T) => unknown = () => undefined,
): Promise<void> {
  const port = parentPort!;
  const send = (reply: Reply): void => port.postMessage(reply);
  const sendError = (call: number, error: unknown): void => {
    const { message, code = "thread", name } = error as Error & { code?: string };
    send({ call, error: { message, code, kind: isBadInput(error) ? name : "RuntimeFailure" } });
  };
  try {
    const opened = (await open()) as T & Record<string, (...given: readonly unknown[]) => Promise<unknown>>;
    send({ call: 0, value: headOf(opened) });
    let queue = Promise.resolve();
    port.on("message", ({ call, method, args }: Call) => {
      queue = queue.then(async () => {
        try {
          send({ call, value: await opened[method]!(...args) });
        } catch (error) {
          sendError(call, error);
        }
      });
    });
  } catch (error) {
    sendError(0, error);
  }
}
