/** @file The exported model for any page: `import { openRecommender } from "./recommender.js"`. */
import * as ort from "onnxruntime-web/wasm";
import { type OpenedExport, openExport } from "../../src/serving/browser/open-export.ts";
import type { Recommender } from "../../src/serving/recommender.ts";

// More threads than the page's own need headers that a plain file server does not send, and one history needs no more.
ort.env.wasm.numThreads = 1;

async function bytesAt(address: URL): Promise<ArrayBuffer> {
  const answer = await fetch(address).catch(() => undefined);
  if (answer?.ok) return answer.arrayBuffer();
  const why = answer ? `the web server answered ${answer.status}` : "no web server answers";
  throw new Error(`${address}: ${why}; the page needs all files of the export beside it`);
}

/** The folder of the export: the build puts this file into its assets/. */
export const home = new URL(/* @vite-ignore */ "..", import.meta.url);

/** Opens the export that this file is of, or that of another folder, whose address ends in "/". */
export function openAt(folder = home): Promise<OpenedExport> {
  return openExport({ ort, read: (path) => bytesAt(new URL(path, folder)) });
}

/** The model alone; its `recommend` and `similar` are those of the library. */
export async function openRecommender(folder?: URL): Promise<Recommender> {
  return (await openAt(folder)).recommender;
}
