/** @file The thread of a retriever. */
import { workerData } from "node:worker_threads";
import { serveObject, tell } from "../runtime/object-thread.ts";
import { type RetrieverSpec, runRetriever } from "./run-retriever.ts";
import type { PutReply, RetrieverHead } from "./worker-retriever.ts";

await serveObject(
  async () => {
    const retriever = await runRetriever(workerData as RetrieverSpec, tell);
    return {
      ...retriever,
      fieldNames: () => retriever.fields,
      async put(...given: Parameters<typeof retriever.put>): Promise<PutReply> {
        return { recommendable: await retriever.put(...given), fields: retriever.fields };
      },
    };
  },
  ({ items, batch, fieldNames, report }): RetrieverHead => ({ items, batch, fields: fieldNames(), report }),
);
