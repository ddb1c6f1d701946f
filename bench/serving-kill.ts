/** @file kill -9 while events stream in; then the service is started again and asked for every event it had acknowledged. */
import { rm } from "node:fs/promises";
import { lostEvents, startLiveServer, streamEvents } from "../src/serving/testing/live-server.ts";
import { noPostgres, startPostgres } from "../src/serving/testing/postgres.ts";
import { rounded } from "./machine.ts";
import type { Bar, CaseOptions, CaseResult } from "./serving-case.ts";

interface Killed {
  readonly events: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly perSecond: number;
}

export async function measureKill({ runOf, tries, onProgress }: CaseOptions): Promise<CaseResult> {
  const directory = `${await runOf(12_000)}.killed-${process.pid}`;
  const events = tries(10_000);
  try {
    const embedded = await killed({ directory }, events);
    onProgress(JSON.stringify(embedded));
    if (noPostgres !== undefined) {
      const bar = { what: "kill −9, PostgreSQL", bar: "none lost", measured: noPostgres, kept: false };
      return { bars: [barOf("DuckDB", embedded), bar], embedded };
    }
    const database = await startPostgres();
    try {
      const postgres = await killed({ directory, store: database.url }, events);
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

async function killed(options: { directory: string; store?: string }, events: number): Promise<Killed> {
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
