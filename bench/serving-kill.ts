/** @file kill -9 of `sequitur serve` while events stream in; then it is started again and asked for every event it had acknowledged. */
import { rm } from "node:fs/promises";
import { lostEvents, streamEvents } from "../src/serving/testing/live-server.ts";
import { noPostgres, startPostgres } from "../src/serving/testing/postgres.ts";
import { rounded } from "./machine.ts";
import type { Bar, CaseOptions, CaseResult } from "./serving-case.ts";
import { startServe } from "./serving-process.ts";
import { itemId } from "./serving-run.ts";

const items = 12_000;

interface Killed {
  readonly events: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly perSecond: number;
}

export async function measureKill({ runOf, tries, onProgress }: CaseOptions): Promise<CaseResult> {
  const run = await runOf(items);
  const directory = `${run}.killed-${process.pid}`;
  const events = tries(10_000);
  try {
    const embedded = await killed(run, ["--state", directory], events);
    onProgress(JSON.stringify(embedded));
    if (noPostgres !== undefined) {
      const bar = { what: "kill −9, PostgreSQL", bar: "none lost", measured: noPostgres, kept: false };
      return { bars: [barOf("DuckDB", embedded), bar], embedded };
    }
    const database = await startPostgres();
    try {
      const postgres = await killed(run, ["--store", database.url], events);
      onProgress(JSON.stringify(postgres));
      return { bars: [barOf("DuckDB", embedded), barOf("PostgreSQL", postgres)], embedded, postgres };
    } finally {
      await database.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const barOf = (store: string, { acknowledged, lost, perSecond }: Killed): Bar => ({
  what: `kill −9 while events stream in, ${store}`,
  bar: "no acknowledged event lost",
  measured: `${acknowledged.toLocaleString("en-US")} acknowledged at ${Math.round(perSecond).toLocaleString("en-US")}/s, ${lost} lost`,
  kept: lost === 0,
});

async function killed(run: string, store: readonly string[], events: number): Promise<Killed> {
  let server = await startServe(run, store);
  const began = performance.now();
  const itemOf = (at: number): string => itemId((at * 7919) % items);
  const { acknowledged, done } = streamEvents(server.address, events, { senders: 32, itemOf });
  while (acknowledged.size < 0.9 * events) await new Promise((resolve) => setTimeout(resolve, 1));
  const perSecond = rounded(acknowledged.size / ((performance.now() - began) / 1000));
  await server.kill();
  await done;
  server = await startServe(run, store);
  const lost = await lostEvents(server.address, acknowledged);
  await server.stop();
  return { events, acknowledged: acknowledged.size, lost, perSecond };
}
