/** @file The thread of a retriever: opens it and answers one request after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { isBadInput } from "../tensor/errors.ts";
import { type RetrieverSpec, runRetriever } from "./run-retriever.ts";
import type { RetrieverReply, RetrieverRequest } from "./worker-retriever.ts";

const port = parentPort!;
const send = (reply: RetrieverReply): void => port.postMessage(reply);

function sendError(call: number, error: unknown): void {
  const { message, code = "search", name } = error as Error & { code?: string };
  send({ call, error: { message, code, kind: isBadInput(error) ? name : "RuntimeFailure" } });
}

try {
  const retriever = await runRetriever(workerData as RetrieverSpec);
  const { items, batch, fields, report } = retriever;
  send({ call: 0, value: { items, batch, fields, report } });
  let queue = Promise.resolve();
  port.on("message", ({ call, method, args }: RetrieverRequest) => {
    queue = queue.then(async () => {
      try {
        const answer = await (retriever[method] as (...given: readonly unknown[]) => Promise<unknown>)(
          ...args,
        );
        send({
          call,
          value: method === "put" ? { recommendable: answer, fields: retriever.fields } : answer,
        });
      } catch (error) {
        sendError(call, error);
      }
    });
  });
} catch (error) {
  sendError(0, error);
}
