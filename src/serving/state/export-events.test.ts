import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDataset } from "../../data/dataset.ts";
import { importInteractions } from "../../data/import.ts";
import { noPostgres, startPostgres, type TestPostgres } from "../testing/postgres.ts";
import { duckdbStore } from "./duckdb-store.ts";
import { exportEvents } from "./export-events.ts";
import { postgresStore } from "./postgres-store.ts";
import type { LiveEvent, Store } from "./store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sequitur-events-"));
  return () => rmSync(folder, { recursive: true });
});

const hostile = [
  "a,b",
  'say "x"',
  "two\nlines",
  "CR\r\nLF",
  "\r",
  "naïve 🎬 ☃",
  " outer ",
  "NULL",
  "'; --",
  "007",
  "#",
  "\t",
  "\\",
  "{}",
];
let count = 0;
const event = (user: string, item: string, time: number): LiveEvent => ({
  id: `e${count++}`,
  user,
  item,
  time,
});

/** Every hostile id as a user and as an item, told out of order, several at one time; one user is erased. */
const events: readonly LiveEvent[] = hostile.flatMap((user, u) =>
  hostile.map((item, i) => event(user, item, 1_700_000_000.25 + ((7 * i + u) % 5))),
);
const erased = "somebody-who-wants-to-be-forgotten";

async function fill(store: Store): Promise<void> {
  await store.append([event(erased, "a,b", 5), ...events.slice(0, 100)]);
  await store.erase(erased);
  await store.append(events.slice(100));
  await store.close();
}

/** The interactions of a dataset as [user, item, time], users by name, each user's in their order. */
async function interactionsOf(out: string): Promise<unknown[]> {
  const dataset = join(folder, "dataset");
  await importInteractions({ interactions: out, out: dataset });
  const { users, items, offsets, sequence, times } = await openDataset(dataset);
  return users
    .flatMap((user, u) =>
      Array.from(sequence.subarray(offsets[u], offsets[u + 1]), (item, at) => [
        user,
        items[item],
        times![offsets[u]! + at],
      ]),
    )
    .sort(([a], [b]) => (a! < b! ? -1 : a! > b! ? 1 : 0));
}

/** What a store says of each user's history. */
const expected = [...events]
  .sort((a, b) => a.time - b.time)
  .sort((a, b) => (a.user < b.user ? -1 : a.user > b.user ? 1 : 0))
  .map(({ user, item, time }) => [user, item, time]);

const report = {
  events: events.length,
  users: hostile.length,
  items: hostile.length,
  from: 1_700_000_000.25,
  to: 1_700_000_004.25,
};

const kinds = ["events.csv", "events.jsonl", "events.parquet", "Events O'Clock.CSV"];

describe("the embedded store", () => {
  test.each(kinds)("%s is imported as it is: the same interactions in the same order", async (name) => {
    const directory = join(folder, "state");
    await fill(await duckdbStore({ directory }));
    const out = join(folder, name);
    expect(await exportEvents({ directory, out })).toEqual(report);
    expect(readFileSync(out, "latin1")).not.toContain(erased);
    expect(readdirSync(folder).sort()).toEqual([name, "state"].sort());
    expect(await interactionsOf(out)).toEqual(expected);
  });

  test("a text file is in the order of the times, those of one time in the order they came", async () => {
    const directory = join(folder, "state");
    const store = await duckdbStore({ directory });
    await store.append([event("b", "late", 9), event("b", "one, first", 1), event("a", "two", 1)]);
    await store.append([event("a", "early", 0.5)]);
    await store.close();
    const out = join(folder, "events.csv");
    await exportEvents({ directory, out });
    expect(readFileSync(out, "utf8")).toBe(
      'user_id,item_id,timestamp\na,early,0.5\nb,"one, first",1.0\na,two,1.0\nb,late,9.0\n',
    );
  });

  test("a store without events gives a file without rows", async () => {
    const directory = join(folder, "state");
    await (await duckdbStore({ directory })).close();
    const out = join(folder, "events.csv");
    const nothing = { events: 0, users: 0, items: 0, from: null, to: null };
    expect(await exportEvents({ directory, out })).toEqual(nothing);
    expect(readFileSync(out, "utf8")).toBe("user_id,item_id,timestamp\n");
  });

  test("what cannot be is one sentence, and leaves nothing", async () => {
    const directory = join(folder, "state");
    const out = join(folder, "events.csv");
    const refused = (options: Partial<Parameters<typeof exportEvents>[0]>) =>
      expect(exportEvents({ directory, out, ...options })).rejects;
    await refused({}).toThrow(/state: there is no state\.duckdb in it; name the folder of the service with/);
    await refused({ out: "events.txt" }).toThrow("events.txt must end in one of .csv, .jsonl, .parquet");
    await refused({ store: "memory" }).toThrow("--store memory: such a store keeps nothing");
    await refused({ store: "mysql://x" }).toThrow("postgres://user@host/database");
    await refused({ out: join(folder, "none", "e.csv") }).toThrow(/there is no folder .*none; make it first/);
    await (await duckdbStore({ directory })).close();
    mkdirSync(out);
    await refused({}).toThrow("events.csv: this is a folder; name a file in it");
    expect(readdirSync(folder).sort()).toEqual(["events.csv", "state"]);
  });
});

describe.skipIf(noPostgres !== undefined)("the PostgreSQL store", () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  test("a database that no service has used is named, and stays as it is", async () => {
    const asked = { store: server.url, directory: "", out: join(folder, "events.csv") };
    const sentence = /^store postgres:\/\/localhost\/postgres: it holds no tables of a service; start/;
    await expect(exportEvents(asked)).rejects.toThrow(sentence);
    await expect(exportEvents(asked)).rejects.toThrow(sentence);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is exported while a service has it open, and imported as it is", async () => {
    await fill(await postgresStore({ url: server.url }));
    const running = await postgresStore({ url: server.url });
    const out = join(folder, "events.parquet");
    expect(await exportEvents({ store: server.url, directory: "", out })).toEqual(report);
    expect(await interactionsOf(out)).toEqual(expected);
    await running.close();
  });
});

test.runIf(noPostgres !== undefined)("the PostgreSQL store is not tested here", ({ skip }) =>
  skip(noPostgres),
);
