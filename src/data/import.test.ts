import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset, readItems } from "./dataset.ts";
import { type ImportOptions, importInteractions } from "./import.ts";
import { type Scratch, scratch, told } from "./testing/scratch.ts";

let at: Scratch;
beforeAll(async () => {
  at = await scratch();
});
afterAll(() => at.remove());

const header = ["user_id", "item_id", "timestamp", "rating"];
const rows = [
  ["u2", "b", "30", "5"],
  ["u1", "a", "20.5", "1"],
  ["u2", "a", "10", "4"],
  ["u1", "c", "20.5", "3"],
  ["u1", "a", "20.5", "1"],
  ["u2", "c", "30", "2"],
];
const lines = (separator: string, first: string[]) =>
  `${[first, ...rows].map((row) => row.join(separator)).join("\n")}\n`;
const csv = lines(",", header);

test("every file type gives the same dataset: users by appearance, items by id, time order, ties in input order", async () => {
  const types = ["user_id:token", "item_id:token", "timestamp:float", "rating:float"];
  const objects = rows.map(([user_id, item_id, time, rating]) => ({
    rating,
    user_id,
    timestamp: Number(time),
    item_id,
  }));
  const jsonl = `${objects.map((object) => JSON.stringify(object)).join("\n\n")}\n`;
  const values = rows
    .map(([user, item, time, rating]) => `('${user}', '${item}', ${time}, ${rating})`)
    .join(", ");
  const table = await at.parquet(
    "a.parquet",
    `FROM (VALUES ${values}) t(user_id, item_id, timestamp, rating)`,
  );
  const dated = "to_timestamp(timestamp) AS timestamp";
  const paths = [
    await at.file("a.csv", csv),
    await at.file("crlf.csv", `\uFEFF${csv.replaceAll("\n", "\r\n")}\r\n`),
    await at.file("a.csv.gz", gzipSync(csv)),
    await at.file("a.tsv", lines("\t", header)),
    await at.file("a.tsv.gz", gzipSync(lines("\t", header))),
    await at.file("a.inter", lines("\t", types)),
    await at.file("a.inter.gz", gzipSync(lines("\t", types))),
    await at.file("a.jsonl", jsonl),
    await at.file("a.jsonl.gz", gzipSync(jsonl)),
    await at.file("we*ird [1]? 'name'.csv", csv),
    table,
    await at.file("b.parquet.gz", gzipSync(await readFile(table))),
    await at.parquet("dated.parquet", `SELECT user_id, item_id, ${dated} FROM '${table}'`),
  ];
  const prints = new Set<string>();
  for (const path of paths) {
    const { report, dataset } = await at.imported(path);
    expect(told(dataset)).toEqual(["u2: a b c", "u1: a c"]);
    expect(dataset.items).toEqual(["a", "b", "c"]);
    expect([...dataset.times!]).toEqual([10, 30, 30, 20.5, 20.5]);
    expect(report.manifest.counts).toEqual({ interactions: 5, users: 2, items: 3 });
    prints.add(report.manifest.fingerprint);
  }
  expect([...prints]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
});

test("the fingerprint changes with the data, the filters and the kind of time, and not with the folder", async () => {
  const path = await at.file("f.csv", csv);
  const print = async (options: Partial<ImportOptions>, from = path) =>
    (await at.imported(from, options)).report.manifest.fingerprint;
  const first = await print({});
  const elsewhere = { interactions: path, out: join(at.folder, "another", "place"), threads: 1 };
  expect((await importInteractions(elsewhere)).manifest.fingerprint).toBe(first);
  const others = [
    await print({ minUser: 2 }),
    await print({ minItem: 2 }),
    await print({ minRating: 0 }),
    await print({}, await at.file("g.csv", csv.replace("u2,b,30", "u2,b,29"))),
    await print({}, await at.file("h.csv", csv.replaceAll("timestamp", "position"))),
  ];
  expect(new Set([first, ...others]).size).toBe(6);
});

test("an import equals a plain recount: rating, duplicates, k-core, stable order", async () => {
  const event = fc.record({
    user: fc.nat({ max: 5 }),
    item: fc.nat({ max: 5 }),
    time: fc.nat({ max: 4 }),
    rating: fc.integer({ min: 1, max: 5 }),
  });
  const options = fc.record({
    minUser: fc.integer({ min: 1, max: 3 }),
    minItem: fc.integer({ min: 1, max: 3 }),
    minRating: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 60 }), options, async (events, filters) => {
      const text = events
        .map(({ user, item, time, rating }) => `user ${user},item ${item},${time},${rating}`)
        .join("\n");
      const path = await at.file("law.csv", `${header.join(",")}\n${text}\n`);
      const expected = recount(events, filters);
      const result = at.imported(path, filters);
      if (expected.length > 0) expect(told((await result).dataset)).toEqual(expected);
      else await expect(result).rejects.toThrow(/^(minUser|minItem|minRating)/);
    }),
    { numRuns: 60 },
  );
});

type Event = { user: number; item: number; time: number; rating: number };

function recount(
  events: Event[],
  filters: { minUser: number; minItem: number; minRating: number | undefined },
) {
  let left = events.filter((event) => event.rating >= (filters.minRating ?? 0));
  const key = ({ user, item, time }: Event) => `${user} ${item} ${time}`;
  left = left.filter((event, index) => left.findIndex((other) => key(other) === key(event)) === index);
  for (let before = -1; before !== left.length; ) {
    before = left.length;
    const users = left.map((event) => event.user);
    const items = left.map((event) => event.item);
    const count = (codes: number[], code: number) => codes.filter((each) => each === code).length;
    left = left.filter(
      ({ user, item }) => count(users, user) >= filters.minUser && count(items, item) >= filters.minItem,
    );
  }
  const appeared = [...new Set(events.map((event) => event.user))].filter((user) =>
    left.some((each) => each.user === user),
  );
  return appeared.map((user) => {
    const own = left.filter((event) => event.user === user).sort((a, b) => a.time - b.time); // sort() is stable
    return `user ${user}: ${own.map((event) => `item ${event.item}`).join(" ")}`;
  });
}

test("each step's counts are in the manifest and progress names the steps in order", async () => {
  const steps: string[] = [];
  const { report } = await at.imported(await at.file("a.csv", csv), {
    minRating: 2,
    minUser: 3,
    onProgress: ({ step }) => steps.push(step),
  });
  expect(report.manifest.steps).toEqual([
    { step: "read", interactions: 6, users: 2, items: 3 },
    { step: "rating", interactions: 4, users: 2, items: 3 },
    { step: "duplicates", interactions: 4, users: 2, items: 3 },
    { step: "core", interactions: 3, users: 1, items: 3 },
  ]);
  expect(steps).toEqual(["unpack", "read", "index", "duplicates", "core", "write", "hash"]);
  expect(report.manifest).toMatchObject({
    filters: { minUser: 3, minItem: 1, minRating: 2 },
    split: "leave-one-out",
  });
});

test("duplicates: dropped when the time or the position is the same, kept when only the order of rows is known", async () => {
  const text = "user_id,item_id,position\nu,a,1\nu,a,1\nu,a,2\n";
  const position = await at.imported(await at.file("p.csv", text));
  expect(told(position.dataset)).toEqual(["u: a a"]);
  expect(position.dataset.times).toBeUndefined();
  expect(position.report.manifest.time).toEqual({ kind: "position", column: "position" });
  expect(position.report.notes).toContain("exact duplicates dropped: 1");
  const order = await at.imported(await at.file("o.csv", text.replace("position", "extra")));
  expect(told(order.dataset)).toEqual(["u: a a a"]);
  expect(order.report.manifest.time).toEqual({ kind: "input-order" });
  expect(order.report.notes).toEqual(["there is no time column: the order of the rows is the order"]);
});

test("one user with 100,000 interactions works", async () => {
  const body = Array.from({ length: 100_000 }, (_, i) => `u,i${i % 977},${100_000 - i}`).join("\n");
  const { dataset } = await at.imported(
    await at.file("long.csv", `user_id,item_id,timestamp\n${body}\nv,i0,1\n`),
  );
  expect([...dataset.offsets]).toEqual([0, 100_000, 100_001]);
  expect(dataset.items[dataset.sequence[0]!]).toBe(`i${99_999 % 977}`);
  expect(dataset.times!.slice(0, 100_000).every((time, i) => time === i + 1)).toBe(true);
});

test("a dataset is replaced, an empty folder is used, parents are made, and nothing lies beside them", async () => {
  const path = await at.file("a.csv", csv);
  const out = join(at.folder, "deep", "er", "data");
  await at.imported(path, { out: join(at.folder, "out") });
  await importInteractions({ interactions: path, out });
  await importInteractions({ interactions: path, out, minUser: 3 });
  expect((await openDataset(out)).users).toEqual(["u2"]);
  expect(await readdir(join(at.folder, "deep", "er"))).toEqual(["data"]);
  expect((await readdir(out)).sort()).toEqual([
    "interactions.parquet",
    "items.parquet",
    "manifest.json",
    "users.parquet",
  ]);
  await mkdir(join(at.folder, "void"));
  await importInteractions({ interactions: path, out: join(at.folder, "void") });
  expect((await openDataset(join(at.folder, "void"))).users).toEqual(["u2", "u1"]);
  const odd = join(at.folder, "o[d]d* 'é");
  await importInteractions({ interactions: path, out: odd });
  expect((await openDataset(odd)).sequence.length).toBe(5);
  expect(await readItems({ directory: odd })).toHaveLength(3);
});
