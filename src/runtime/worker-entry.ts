/** @file The thread of the worker runtime: opens sessions and runs them one after the other. */
import { parentPort } from "node:worker_threads";
import { isBadInput } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import type { Session } from "./ort.ts";
import type { Draw } from "./runtime.ts";
import { openSession } from "./session.ts";
import type { Reply, Request } from "./worker-messages.ts";

const port = parentPort!;
const sessions = new Map<number, Session>();

async function handle(request: Request): Promise<Record<string, Tensor> | undefined> {
  switch (request.kind) {
    case "open":
      sessions.set(request.session, await openSession(request.bytes, request.types, request.options));
      return undefined;
    case "run":
      return sessions.get(request.session)!.run(request.feeds, request.draw);
    case "release":
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return undefined;
    case "close":
      for (const session of sessions.values()) await session.release();
      sessions.clear();
      return undefined;
  }
}

/** While the caller digests one run, the random inputs of the next are drawn. */
function prepareNext(session: number, { seed, index }: Draw): void {
  sessions.get(session)?.prepare({ seed, index: index + 1 });
}

let queue = Promise.resolve();
port.on("message", (request: Request) => {
  queue = queue.then(async () => {
    const { call } = request;
    try {
      const outputs = await handle(request);
      const reply: Reply = outputs ? { call, outputs } : { call };
      const buffers = Object.values(outputs ?? {}).map((t) => t.data.buffer as ArrayBuffer);
      port.postMessage(reply, [...new Set(buffers)]);
      if (request.kind === "run" && request.draw) prepareNext(request.session, request.draw);
    } catch (error) {
      const { message, code = "run" } = error as Error & { code?: string };
      const badInput = isBadInput(error);
      port.postMessage({ call, error: { message, code, badInput } } satisfies Reply);
    }
  });
});
