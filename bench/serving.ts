/** @file The service under load: latency and throughput by catalogue size, overload, reload, live events, kill -9, fuzz. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../src/client.ts";
import { lostEvents, startLiveServer, streamEvents } from "../src/serving/testing/live-server.ts";
import { noPostgres, startPostgres } from "../src/serving/testing/postgres.ts";
import { stream } from "../src/tensor/random.ts";
import { rounded } from "./machine.ts";
import { fuzzServer } from "./serving-fuzz.ts";
import { load, type ServeProcess, startServe } from "./serving-process.ts";
import { itemId, writeGeneratedRun } from "./serving-run.ts";

export interface ServingOptions {
  readonly onProgress?: (message: string) => void;
  /** The part of the full length of every measurement; 1 by default. */
  readonly scale?: number;
  /** Requests of the memory measurement. */
  readonly soak?: number;
}

const historyLength = 20;

/** What is measured of each catalogue: the index, the rate of the latency measurement and its bar in milliseconds. */
const catalogues = [
  { items: 12_000, index: "exact", rate: 400, p99: 20, throughput: 800 },
  { items: 100_000, index: "exact", rate: 100, p99: null, throughput: null },
  { items: 1_000_000, index: "int8", rate: 50, p99: 60, throughput: null },
  { items: 1_000_000, index: "approximate", rate: 200, p99: 30, throughput: null },
] as const;

type Progress = (message: string) => void;

/** Bodies that ask for ten items after a history of twenty. */
function bodies(items: number, count = 500): string[] {
  const draws = new Float32Array(count * historyLength);
  stream(7, "bench", "histories").fillUniform(draws);
  return Array.from({ length: count }, (_, at) => {
    const part = draws.subarray(at * historyLength, (at + 1) * historyLength);
    return JSON.stringify({ history: Array.from(part, (draw) => itemId(Math.floor(draw * items))), k: 10 });
  });
}

/** Everything that the service promises, measured; server and load share the machine. */
export async function benchServing(options: ServingOptions): Promise<Record<string, unknown>> {
  const { onProgress = () => {}, scale = 1, soak = 100_000 } = options;
  const folder = await mkdtemp(join(tmpdir(), "sequitur-serving-"));
  const seconds = (full: number): number => Math.max(2, Math.round(full * scale));
  try {
    const sizes: Record<string, unknown>[] = [];
    for (const catalogue of catalogues) {
      const run = join(folder, `run-${catalogue.items}`);
      onProgress(`${catalogue.items} items, ${catalogue.index}`);
      await writeGeneratedRun(run, catalogue.items);
      sizes.push(await measureCatalogue(run, catalogue, seconds));
      onProgress(JSON.stringify(sizes.at(-1)));
      if (catalogue.index === "approximate" || catalogue.items === 100_000)
        await rm(run, { recursive: true });
    }
    const run = join(folder, "run-12000");
    const behaviour = await measureBehaviour(run, { seconds, onProgress, scale, soak });
    return { scale, historyLength, catalogues: sizes, ...behaviour };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureCatalogue(
  run: string,
  catalogue: (typeof catalogues)[number],
  seconds: (full: number) => number,
): Promise<Record<string, unknown>> {
  const { items, index, rate, p99, throughput } = catalogue;
  const server = await startServe(run, ["--store", "memory", "--index", index]);
  try {
    const questions = bodies(items);
    const ask = (options: { rate?: number; full: number; connections: number }) =>
      load(server.address, { bodies: questions, seconds: seconds(options.full), ...options });
    await ask({ full: 5, connections: 16 }); // warms up
    const most = await ask({ full: 20, connections: 32 });
    const held = await ask({ full: 30, connections: 16, rate });
    const recall = /recall@10 ([\d.]+)/.exec(server.log())?.[1];
    const table = items * 64 * 4;
    const memory = /([\d.]+) MB of vectors(?: and ([\d.]+) MB of index)?/.exec(server.log());
    const search = memory === null ? undefined : Number(memory[1]) + Number(memory[2] ?? 0);
    return {
      items,
      index,
      recallAt10: recall === undefined ? 1 : Number(recall),
      startSeconds: server.startSeconds,
      throughput: most,
      atRate: { rate, ...held },
      memory: {
        ...server.memory(),
        tableMegabytes: rounded(table / 1e6, 4),
        ...(search === undefined ? {} : { searchPerTable: rounded(search / (table / 1e6)) }),
      },
      ...bars({ most: most.requestsPerSecond, held: held.p99 }, { p99, throughput }),
    };
  } finally {
    await server.stop();
  }
}

function bars(
  got: { most: number; held: number },
  { p99, throughput }: { p99: number | null; throughput: number | null },
): Record<string, unknown> {
  const kept = [p99 === null || got.held <= p99, throughput === null || got.most >= throughput];
  return p99 === null && throughput === null ? {} : { bar: { p99, throughput, kept: kept.every(Boolean) } };
}

interface Behaviour {
  readonly seconds: (full: number) => number;
  readonly onProgress: Progress;
  readonly scale: number;
  readonly soak: number;
}

/** What the service does under overload, reloads and wrong requests, and what it keeps; on 12,000 items. */
export async function measureBehaviour(run: string, options: Behaviour): Promise<Record<string, unknown>> {
  const { seconds, onProgress, scale, soak } = options;
  const tries = Math.max(100, Math.round(10_000 * scale));
  const server = await startServe(run, ["--state", `${run}.state`]);
  const result: Record<string, unknown> = {};
  const step = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    result[name] = await work();
    onProgress(`${name}: ${JSON.stringify(result[name])}`);
  };
  try {
    await step("visible", () => eventsVisible(server, tries));
    await step("reload", () => reloads(server, seconds(20)));
    await step("fuzz", () => fuzzServer(server.address, tries));
    await step("overload", () => overload(server, seconds));
    await step("soak", () => soakMemory(server, Math.round(soak * scale)));
  } finally {
    await server.stop();
  }
  await step("kill", () => kill(run, tries));
  return result;
}

/** Every event must change its user's next answer: the user is known at once, and what was seen does not come again. */
async function eventsVisible({ address }: ServeProcess, tries: number): Promise<Record<string, number>> {
  const client = createClient({ url: address });
  let visible = 0;
  let next = 0;
  const began = performance.now();
  async function sender(): Promise<void> {
    while (next < tries) {
      const at = next++;
      const user = `visitor ${at % 1000}`;
      const before = at < 1000 ? undefined : await client.recommend({ user, k: 1 });
      const item = before?.items[0]?.id ?? itemId(at); // what would come first must be gone afterwards
      await client.events([{ user, item }]);
      const { items } = await client.recommend({ user, k: 5 });
      if (items.length === 5 && items.every(({ id }) => id !== item)) visible++;
    }
  }
  await Promise.all(Array.from({ length: 4 }, sender));
  return { tries, visible, seconds: rounded((performance.now() - began) / 1000) };
}

/** Reloads while requests come; none may fail. */
async function reloads({ address }: ServeProcess, seconds: number): Promise<Record<string, unknown>> {
  const client = createClient({ url: address });
  const running = load(address, { bodies: bodies(12_000), seconds, connections: 8, rate: 100 });
  let count = 0;
  const end = performance.now() + 1000 * (seconds - 1);
  while (performance.now() < end) {
    await client.reload();
    count++;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return { reloads: count, ...(await running) };
}

/** Five times the load that it can hold. */
async function overload(
  server: ServeProcess,
  seconds: (full: number) => number,
): Promise<Record<string, unknown>> {
  const { address } = server;
  const questions = bodies(12_000);
  const { requestsPerSecond } = await load(address, {
    bodies: questions,
    seconds: seconds(10),
    connections: 32,
  });
  const rate = Math.round(5 * requestsPerSecond);
  const before = server.memory().now;
  const under = await load(address, { bodies: questions, seconds: seconds(60), connections: 400, rate });
  const memory = { before, ...server.memory() };
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const after = await load(address, { bodies: questions, seconds: seconds(10), connections: 8, rate: 100 });
  return { holds: requestsPerSecond, rate, under, memory, after };
}

/** Memory while many requests are answered, at tenths of the way. */
async function soakMemory(server: ServeProcess, requests: number): Promise<Record<string, unknown>> {
  const questions = bodies(12_000);
  const megabytes: number[] = [];
  let answered = 0;
  while (answered < requests) {
    const part = await load(server.address, { bodies: questions, seconds: 5, connections: 16 });
    answered += Math.round(part.requestsPerSecond * 5);
    megabytes.push(server.memory().now);
    if (part.requestsPerSecond === 0) throw new Error("the service does not answer any more");
  }
  return { requests: answered, megabytes };
}

/** kill -9 while events stream in; then the service is started again and asked for every event it had acknowledged. */
async function kill(run: string, events: number): Promise<Record<string, unknown>> {
  const embedded = await killed({ directory: `${run}.killed` }, events);
  if (noPostgres !== undefined) return { embedded, postgres: noPostgres };
  const database = await startPostgres();
  try {
    return { embedded, postgres: await killed({ directory: run, store: database.url }, events) };
  } finally {
    await database.stop();
  }
}

async function killed(
  options: { directory: string; store?: string },
  events: number,
): Promise<Record<string, number>> {
  let server = await startLiveServer(options);
  const began = performance.now();
  const { acknowledged, done } = streamEvents(server.address, events, 32);
  while (acknowledged.size < 0.9 * events) await new Promise((resolve) => setTimeout(resolve, 1));
  const perSecond = rounded(acknowledged.size / ((performance.now() - began) / 1000));
  await server.kill();
  await done;
  server = await startLiveServer(options);
  const lost = await lostEvents(server.address, acknowledged);
  await server.stop();
  return { events, acknowledged: acknowledged.size, lost, perSecond };
}
