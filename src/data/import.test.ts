import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withDatabase } from "./database.ts";
import { type Dataset, openDataset, readItems } from "./dataset.ts";
import { type ImportOptions, importInteractions } from "./import.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-import-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, bytes: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function imported(interactions: string, options: Partial<ImportOptions> = {}) {
  const out = join(folder, "out");
  const report = await importInteractions({ interactions, out, threads: 2, ...options });
  return { report, dataset: await openDataset(out) };
}

/** What users did, in ids: "user: item item …". */
function told({ users, items, offsets, sequence }: Dataset): string[] {
  return users.map((user, index) => {
    const own = sequence.slice(offsets[index], offsets[index + 1]);
    return `${user}: ${[...own].map((item) => items[item]).join(" ")}`;
  });
}

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

async function parquet(name: string, select: string): Promise<string> {
  const path = join(folder, name);
  await withDatabase({}, (database) => database.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`));
  return path;
}

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
  const table = await parquet("a.parquet", `FROM (VALUES ${values}) t(user_id, item_id, timestamp, rating)`);
  const dated = "to_timestamp(timestamp) AS timestamp";
  const paths = [
    await file("a.csv", csv),
    await file("crlf.csv", `\uFEFF${csv.replaceAll("\n", "\r\n")}\r\n`),
    await file("a.csv.gz", gzipSync(csv)),
    await file("a.tsv", lines("\t", header)),
    await file("a.tsv.gz", gzipSync(lines("\t", header))),
    await file("a.inter", lines("\t", types)),
    await file("a.inter.gz", gzipSync(lines("\t", types))),
    await file("a.jsonl", jsonl),
    await file("a.jsonl.gz", gzipSync(jsonl)),
    await file("we*ird [1]? 'name'.csv", csv),
    table,
    await file("b.parquet.gz", gzipSync(await readFile(table))),
    await parquet("dated.parquet", `SELECT user_id, item_id, ${dated} FROM '${table}'`),
  ];
  const prints = new Set<string>();
  for (const path of paths) {
    const { report, dataset } = await imported(path);
    expect(told(dataset)).toEqual(["u2: a b c", "u1: a c"]);
    expect(dataset.items).toEqual(["a", "b", "c"]);
    expect([...dataset.times!]).toEqual([10, 30, 30, 20.5, 20.5]);
    expect(report.manifest.counts).toEqual({ interactions: 5, users: 2, items: 3 });
    prints.add(report.manifest.fingerprint);
  }
  expect([...prints]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
});

test("the fingerprint changes with the data, the filters and the kind of time, and not with the folder", async () => {
  const path = await file("f.csv", csv);
  const print = async (options: Partial<ImportOptions>, from = path) =>
    (await imported(from, options)).report.manifest.fingerprint;
  const first = await print({});
  const elsewhere = { interactions: path, out: join(folder, "another", "place"), threads: 1 };
  expect((await importInteractions(elsewhere)).manifest.fingerprint).toBe(first);
  const others = [
    await print({ minUser: 2 }),
    await print({ minItem: 2 }),
    await print({ minRating: 0 }),
    await print({}, await file("g.csv", csv.replace("u2,b,30", "u2,b,29"))),
    await print({}, await file("h.csv", csv.replaceAll("timestamp", "position"))),
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
      const path = await file("law.csv", `${header.join(",")}\n${text}\n`);
      const expected = recount(events, filters);
      const result = imported(path, filters);
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
  const { report } = await imported(await file("a.csv", csv), {
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
  const position = await imported(await file("p.csv", text));
  expect(told(position.dataset)).toEqual(["u: a a"]);
  expect(position.dataset.times).toBeUndefined();
  expect(position.report.manifest.time).toEqual({ kind: "position", column: "position" });
  expect(position.report.notes).toContain("1 exact duplicates were dropped");
  const order = await imported(await file("o.csv", text.replace("position", "extra")));
  expect(told(order.dataset)).toEqual(["u: a a a"]);
  expect(order.report.manifest.time).toEqual({ kind: "input-order" });
  expect(order.report.notes).toEqual(["there is no time column: the order of the rows is the order"]);
});

test("times: seconds, decimals, milliseconds and ISO 8601 are told apart, and the manifest says what was read", async () => {
  const read = async (...times: string[]) => {
    const text = times.map((time, index) => `u,i${index},${time}`).join("\n");
    const { dataset } = await imported(await file("t.csv", `user_id,item_id,timestamp\n${text}\n`));
    return { times: [...dataset.times!], ...dataset.manifest.time };
  };
  expect(await read("-5", "1e3", "1300000000.25")).toMatchObject({
    times: [-5, 1000, 1300000000.25],
    unit: "seconds",
  });
  expect(await read("1300000000250", "1")).toMatchObject({
    times: [0.001, 1300000000.25],
    unit: "milliseconds",
  });
  expect(await read("2011-03-13", "2011-03-13T07:06:40.5Z", "2011-03-13 09:06:41+02:00")).toMatchObject({
    times: [1299974400, 1300000000.5, 1300000001],
    unit: "iso-8601",
    first: 1299974400,
    last: 1300000001,
  });
});

test("ids of every kind are kept byte for byte", async () => {
  const ids = [
    "007",
    "7",
    "7.0",
    " 7 ",
    "a b",
    'say "hi"',
    "x,y",
    "two\nlines",
    "é中🙂",
    "NULL",
    "null",
    "nan",
    "'",
    "\\",
    "#1",
    "é".repeat(1000),
  ];
  const quoted = ids.map((id) => `"${id.replaceAll('"', '""')}"`);
  const text = `user_id,item_id,timestamp\n${quoted.map((id, index) => `${id},${id},${index}`).join("\n")}\n`;
  const { dataset } = await imported(await file("ids.csv", text));
  expect(dataset.users).toEqual(ids);
  expect(told(dataset)).toEqual(ids.map((id) => `${id}: ${id}`));
  const byBytes = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(dataset.items).toEqual(byBytes);
  const objects = [...ids, "a\tb"].map((id, index) =>
    JSON.stringify({ user_id: id, item_id: id, timestamp: index }),
  );
  expect((await imported(await file("ids.jsonl", objects.join("\n")))).dataset.users).toEqual([
    ...ids,
    "a\tb",
  ]);
  const numbers =
    '{"user_id":12345678901234567890,"item_id":1.50,"timestamp":1}\n{"user_id":"01","item_id":true,"timestamp":2}\n';
  const mixed = await imported(await file("numbers.jsonl", numbers));
  expect(mixed.dataset.users).toEqual(["12345678901234567890", "01"]);
  const quotes = await imported(await file("q.tsv", 'user_id\titem_id\n"u"\ta"b\n'));
  expect(told(quotes.dataset)).toEqual(['"u": a"b']);
  const typed = await parquet(
    "typed.parquet",
    "SELECT 12::UBIGINT AS user_id, DATE '2020-01-02' AS item_id, 5 AS timestamp",
  );
  expect(told((await imported(typed)).dataset)).toEqual(["12: 2020-01-02"]);
});

test("column names of any kind can be chosen", async () => {
  const text = 'rating,"who, when",Thing,thing,at\n9,u,A,a,2\n1,u,B,b,1\n';
  const { dataset } = await imported(await file("c.csv", text), {
    userColumn: "who, when",
    itemColumn: "thing",
    timeColumn: "at",
  });
  expect(told(dataset)).toEqual(["u: b a"]);
  expect(dataset.manifest.columns).toEqual({ user: "who, when", item: "thing" });
});

test("one user with 100,000 interactions works", async () => {
  const body = Array.from({ length: 100_000 }, (_, i) => `u,i${i % 977},${100_000 - i}`).join("\n");
  const { dataset } = await imported(await file("long.csv", `user_id,item_id,timestamp\n${body}\nv,i0,1\n`));
  expect([...dataset.offsets]).toEqual([0, 100_000, 100_001]);
  expect(dataset.items[dataset.sequence[0]!]).toBe(`i${99_999 % 977}`);
  expect(dataset.times!.slice(0, 100_000).every((time, i) => time === i + 1)).toBe(true);
});

test("items: title and fields are kept as JSON, only items with interactions are in the catalogue, both gaps counted", async () => {
  const interactions = await file("a.csv", csv);
  const objects = [
    {
      item_id: "c",
      title: "Cé",
      tags: ["x", "y"],
      empty: [],
      price: 1.5,
      nothing: null,
      nested: { deep: [1] },
    },
    { item_id: "z", title: "unused" },
    { item_id: "a", title: "", year: 1999 },
  ];
  const jsonl = await file("items.jsonl", objects.map((object) => JSON.stringify(object)).join("\n"));
  const { dataset, report } = await imported(interactions, { items: jsonl });
  expect(await readItems(dataset)).toEqual([
    { id: "a", fields: { year: 1999 } },
    { id: "b", fields: {} },
    { id: "c", title: "Cé", fields: { tags: ["x", "y"], empty: [], price: 1.5, nested: { deep: [1] } } },
  ]);
  const columns = ["empty", "nested", "nothing", "price", "tags", "year"];
  expect(report.manifest.metadata).toEqual({ items: 2, itemsWithout: 1, unused: 1, columns });
  expect(report.notes).toContain("1 items with interactions have no row in items.jsonl");
  expect(report.notes).toContain(
    "1 items of items.jsonl have no interactions left and are not in the catalogue",
  );
});

test("items come from every file type", async () => {
  const interactions = await file("a.csv", csv);
  const items = async (path: string) => {
    const read = await readItems((await imported(interactions, { items: path })).dataset);
    return read.find((item) => item.id === "b");
  };
  const text = 'item_id,title,Tag,tag\nb,"A ""b"", quoted",x,\n';
  const expected = { id: "b", title: 'A "b", quoted', fields: { Tag: "x" } };
  expect(await items(await file("i.csv", text))).toEqual(expected);
  expect(await items(await file("i.csv.gz", gzipSync(text)))).toEqual(expected);
  expect(await items(await file("i.tsv", "tag\titem_id\n007\tb\n"))).toEqual({
    id: "b",
    fields: { tag: "007" },
  });
  const atomic =
    "item_id:token\ttitle:token_seq\tprice:float\tgenres:token_seq\tv:float_seq\nb\tA title\t2.50\tx  y\t1 .5\nc\t\t\t\t\n";
  const fields = { price: 2.5, genres: ["x", "y"], v: [1, 0.5] };
  expect(await items(await file("i.item", atomic))).toEqual({ id: "b", title: "A title", fields });
  const table = await parquet(
    "i.parquet",
    "SELECT 'b' AS item_id, 'T' AS title, [1, 2] AS list, DATE '2020-01-02' AS day",
  );
  expect(await items(table)).toEqual({ id: "b", title: "T", fields: { list: [1, 2], day: "2020-01-02" } });
  expect(await items(await parquet("j.parquet", "SELECT 'b' AS item_id"))).toEqual({ id: "b", fields: {} });
});

test("a dataset is replaced, an empty folder is used, parents are made, and nothing lies beside them", async () => {
  const path = await file("a.csv", csv);
  const out = join(folder, "deep", "er", "data");
  await imported(path, { out: join(folder, "out") });
  await importInteractions({ interactions: path, out });
  await importInteractions({ interactions: path, out, minUser: 3 });
  expect((await openDataset(out)).users).toEqual(["u2"]);
  expect(await readdir(join(folder, "deep", "er"))).toEqual(["data"]);
  expect((await readdir(out)).sort()).toEqual([
    "interactions.parquet",
    "items.parquet",
    "manifest.json",
    "users.parquet",
  ]);
  await mkdir(join(folder, "void"));
  await importInteractions({ interactions: path, out: join(folder, "void") });
  expect((await openDataset(join(folder, "void"))).users).toEqual(["u2", "u1"]);
  const odd = join(folder, "o[d]d* 'é");
  await importInteractions({ interactions: path, out: odd });
  expect((await openDataset(odd)).sequence.length).toBe(5);
  expect(await readItems({ directory: odd })).toHaveLength(3);
});
