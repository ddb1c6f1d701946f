/** @file Latency, throughput, recall and memory of the service over a generated catalogue. */
import { rounded } from "./machine.ts";
import { atLeast, atMost, type Bar, bodies, type CaseOptions, type CaseResult } from "./serving-case.ts";
import { load, summary } from "./serving-load.ts";
import { mostRequests, type ServeProcess, startServe } from "./serving-process.ts";

/** What is measured of a catalogue, and its bars. */
export interface Catalogue {
  readonly items: number;
  readonly index: "exact" | "int8" | "approximate";
  /** Requests a second of the latency measurement. */
  readonly rate: number;
  /** Milliseconds at that rate. */
  readonly p99?: number;
  readonly throughput?: number;
  readonly recall?: number;
  /** Memory of vectors and index as a multiple of the float table. */
  readonly memory?: number;
}

const connections = 32;

export async function measureCatalogue(catalogue: Catalogue, options: CaseOptions): Promise<CaseResult> {
  const { items, index, rate } = catalogue;
  const { seconds, onProgress } = options;
  const run = await options.runOf(items);
  const server = await startServe(run, ["--store", "memory", "--index", index], onProgress);
  try {
    const questions = bodies(items);
    const most = async (full: number) =>
      mostRequests(server.address, { bodies: questions, seconds: seconds(full), connections });
    await most(5); // the programs of both sides are compiled while they run
    const { requestsPerSecond, failed } = await most(20);
    onProgress(`${requestsPerSecond} requests/s`);
    const duration = seconds(30);
    const answers = await load(server.address, {
      bodies: questions,
      seconds: duration,
      connections,
      rate,
    });
    const atRate = summary(answers, duration);
    const { recallAt10, searchPerTable } = whatItSays(server);
    const tableMegabytes = rounded((items * 64 * 4) / 1e6, 4);
    const memory = { ...server.memory(), tableMegabytes, searchPerTable };
    const found = { most: requestsPerSecond, p99: atRate.p99, recall: recallAt10, memory: searchPerTable };
    return {
      bars: barsOf(catalogue, found),
      ...{ items, index, startSeconds: server.startSeconds, recallAt10, memory },
      throughput: { requestsPerSecond, failed },
      atRate: { rate, ...atRate },
    };
  } finally {
    await server.stop();
  }
}

/** What the service reports of its index when it starts. */
function whatItSays(server: ServeProcess): { recallAt10: number; searchPerTable: number } {
  const log = server.log();
  const recall = /recall@10 ([\d.]+)/.exec(log)?.[1];
  const [, vectors, index = "0"] = /([\d.]+) MB of vectors(?: and ([\d.]+) MB of index)?/.exec(log) ?? [];
  return {
    recallAt10: recall === undefined ? 1 : Number(recall),
    searchPerTable: rounded((Number(vectors) + Number(index)) / Number(vectors)),
  };
}

function barsOf(
  { items, index, rate, p99, throughput, recall, memory }: Catalogue,
  found: { readonly most: number; readonly p99: number; readonly recall: number; readonly memory: number },
): Bar[] {
  const of = `${items.toLocaleString("en-US")} items, ${index}`;
  return [
    ...(throughput ? [atLeast(`${of}: requests`, throughput, found.most, "/s")] : []),
    ...(p99 ? [atMost(`${of}: 99th percentile at ${rate}/s`, p99, found.p99, " ms")] : []),
    ...(recall ? [atLeast(`${of}: recall@10 against exact search`, recall, found.recall)] : []),
    ...(memory
      ? [atMost(`${of}: memory of vectors and index`, memory, found.memory, " × the float table")]
      : []),
  ];
}
