import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DataError, isBadInput } from "../tensor/errors.ts";
import { openDataset } from "./dataset.ts";
import { type ImportOptions, importInteractions } from "./import.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-errors-"));
});
beforeEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const good = "user_id,item_id,timestamp\nu,a,1\nu,b,2\nv,a,3\n";

async function file(name: string, bytes: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** The sentence of a refused import, without the folder; nothing may be left behind. */
async function refusal(
  name: string,
  bytes?: string | Uint8Array,
  options: Partial<ImportOptions> = {},
): Promise<string> {
  const path = bytes === undefined ? join(folder, name) : await file(name, bytes);
  const before = await readdir(folder);
  const out = join(folder, "new", "out");
  const error = await importInteractions({ interactions: path, out, ...options }).catch(
    (each: unknown) => each,
  );
  expect(isBadInput(error), String(error)).toBe(true);
  expect(await readdir(folder)).toEqual(before);
  const { message } = error as Error;
  expect(message).not.toContain("\n");
  return message.replaceAll(`${folder}/`, "");
}

const many = (line: string, at: number) =>
  `user_id,item_id,timestamp\n${Array.from({ length: 50_000 }, (_, i) => (i + 2 === at ? line : `u${i % 99},i${i % 997},${i}`)).join("\n")}\n`;

test("files that are missing, empty, folders or of no known type", async () => {
  expect(await refusal("none.csv")).toBe("none.csv: there is no such file; check the path");
  expect(await refusal("e.csv", "")).toBe("e.csv: the file is empty");
  expect(await refusal("e.jsonl.gz", gzipSync(""))).toBe("e.jsonl.gz: the file is empty");
  expect(await refusal("head.csv", "user_id,item_id\n")).toBe(
    "head.csv: there are no interactions in this file, only column names",
  );
  expect(await refusal("blank.csv", "\n\n")).toMatch(
    /^blank.csv:1: the first line should hold the names of the columns/,
  );
  await mkdir(join(folder, "dir.csv"));
  expect(await refusal("dir.csv")).toBe("dir.csv: this is a folder, not a file; name a file in it");
  expect(await refusal("a.xlsx", "x")).toBe(
    "a.xlsx: not a known file type; known are .csv .tsv .inter .item .jsonl .ndjson .parquet, each also with .gz",
  );
  expect(await refusal("items", good)).toMatch(/^items: not a known file type/);
  expect(await refusal("ok.csv", good, { items: join(folder, "no.jsonl") })).toBe(
    "no.jsonl: there is no such file; check the path",
  );
});

test("a .gz file that is not gzip, cut short, or altered", async () => {
  const packed = gzipSync(many("u,i,1", 2));
  expect(await refusal("a.csv.gz", good)).toBe(
    "a.csv.gz: this is not a whole gzip file (incorrect header check); unpack it or make it again",
  );
  for (const length of [packed.length >> 1, packed.length - 4]) {
    expect(await refusal("b.csv.gz", packed.subarray(0, length))).toBe(
      "b.csv.gz: the gzip file is cut short; copy it again",
    );
  }
  const altered = packed.slice();
  altered[altered.length - 7]! ^= 1;
  expect(await refusal("c.csv.gz", altered)).toMatch(
    /^c.csv.gz: this is not a whole gzip file \(incorrect data check\)/,
  );
  expect(await refusal("d.parquet.gz", gzipSync("not parquet at all"))).toBe(
    "d.parquet.gz: this is not a whole Parquet file; write it again",
  );
});

test("a column that is not there: the columns there are, the nearest, and the flag", async () => {
  expect(await refusal("a.csv", good.replace("item_id", "itemid"))).toBe(
    'a.csv: there is no column "item_id"; the nearest is "itemid"; there are: user_id, itemid, timestamp; choose one with --item-column',
  );
  expect(await refusal("a.csv", good, { timeColumn: "time" })).toMatch(
    /^a.csv: there is no column "time"; .*--time-column$/,
  );
  expect(await refusal("a.csv", good, { minRating: 3 })).toMatch(
    /^a.csv: there is no column "rating"; .*--rating-column$/,
  );
  expect(await refusal("a.jsonl", '{"userid":1,"item_id":2}\n')).toMatch(
    /no column "user_id"; the nearest is "userid"; there are: item_id, userid;/,
  );
  expect(await refusal("a.inter", "uid:token\titem_id:token\n1\t2\n")).toMatch(/there are: uid, item_id;/);
  expect(await refusal("a.csv", "user_id,user_id,item_id\n1,2,3\n")).toBe(
    'a.csv:1: two columns are called "user_id"; rename one',
  );
  expect(await refusal("a.csv", good, { itemColumn: "user_id" })).toMatch(
    /user, item and time must be three columns/,
  );
});

test("a row with too few or too many fields, and broken quotes: file and line", async () => {
  expect(await refusal("few.csv", many("u,i", 40_001))).toBe(
    "few.csv:40001: too few fields: this row has 2 fields, the header has 3; mend or remove the row",
  );
  expect(await refusal("few.csv.gz", gzipSync(many("u", 7)))).toMatch(
    /^few.csv.gz:7: too few fields: this row has 1 field,/,
  );
  expect(await refusal("few.inter", "user_id:token\titem_id:token\nu\ti\nu\n")).toMatch(
    /^few.inter:3: too few fields/,
  );
  expect(await refusal("many.csv", many("u,i,1,2", 9))).toMatch(
    /^many.csv:9: too many fields: this row has 4 fields/,
  );
  expect(await refusal("q.csv", 'user_id,item_id,timestamp\nu,a,1\nu,"b" c,2\n')).toMatch(
    /^q.csv:3: a field starts with a quote that is not closed/,
  );
  expect(await refusal("j.jsonl", '{"user_id":1,"item_id":2}\n\n{"user_id":1,\n')).toMatch(
    /^j.jsonl:3: this line is not JSON \(/,
  );
  expect(await refusal("j.jsonl", "user_id\n")).toMatch(/^j.jsonl:1: this line is not JSON \(/);
  const objects = Array.from(
    { length: 9000 },
    (_, i) => `${i % 3 === 0 ? "\n" : ""}{"user_id":${i === 8000 ? "" : i},"item_id":1}`,
  );
  expect(await refusal("j.jsonl", objects.join("\n"))).toMatch(/^j.jsonl:10668: this line is not JSON \(/);
  expect(await refusal("j.jsonl", "[1]\n2\n")).toBe(
    "j.jsonl: none of the first 1000 lines is a JSON object with fields",
  );
  const quoted = Array.from({ length: 30_000 }, (_, i) => (i === 20_000 ? "u,i" : `u,"i\r\n${i}",\r\n`)).join(
    "\r\n",
  );
  expect(await refusal("n.csv", `user_id,item_id,timestamp\r\n${quoted}`)).toMatch(
    /^n.csv:60002: too few fields/,
  );
  expect(await refusal("u.csv", Buffer.from(good, "utf16le"))).toMatch(
    /^u.csv: this is not UTF-8 text \(perhaps UTF-16\)/,
  );
  const latin = Buffer.concat([Buffer.from(good), Buffer.from([0xe9]), Buffer.from(",b,4\n")]);
  expect(await refusal("l.csv", latin)).toBe(
    "l.csv:5: this row is not UTF-8 text; convert the file to UTF-8",
  );
  expect(await refusal("m.csv", "user_id,item_id\nu,a\r\nu,b\n")).toMatch(
    /^m.csv: the file mixes kinds of line ends/,
  );
});

test("timestamps that cannot be read: value and line", async () => {
  const wanted = "it should be unix seconds, unix milliseconds or an ISO 8601 date";
  for (const value of ["yesterday", "NaN", "inf", "2020-13-01", "epoch", "12:30"]) {
    expect(await refusal("t.csv", many(`u,i,${value}`, 30_000))).toBe(
      `t.csv:30000: the timestamp is "${value}"; ${wanted}`,
    );
  }
  expect(await refusal("t.csv", many("u,i,", 3))).toBe(`t.csv:3: the timestamp is empty; ${wanted}`);
  const object = (time: unknown) => `${JSON.stringify({ user_id: "u", item_id: "i", timestamp: time })}\n`;
  expect(await refusal("t.jsonl", `${object(1)}\n${object(null)}`)).toBe(
    `t.jsonl:3: the timestamp is empty; ${wanted}`,
  );
  expect(await refusal("t.jsonl", object(1) + object("soon"))).toBe(
    `t.jsonl:2: the timestamp is "soon"; ${wanted}`,
  );
  expect(await refusal("p.csv", "user_id,item_id,position\nu,a,first\n")).toBe(
    'p.csv:2: the position is "first"; it should be a number',
  );
  expect(await refusal("r.csv", "user_id,item_id,rating\nu,a,5\nu,b,good\n", { minRating: 1 })).toBe(
    'r.csv:3: the rating is "good"; it should be a number',
  );
});

test("an empty id: the line, also after quoted line ends and empty lines", async () => {
  const text = 'user_id,item_id,note\r\nu,a,"two\r\nlines ""quoted"""\r\n\r\nu,,x\r\n';
  expect(await refusal("i.csv", text)).toBe("i.csv:5: the item_id is empty; every row needs one");
  expect(await refusal("u.csv", 'user_id,item_id\n"",a\n')).toBe(
    "u.csv:2: the user_id is empty; every row needs one",
  );
  expect(await refusal("i.jsonl", '{"user_id":"u","item_id":"i"}\n{"user_id":"u"}\n')).toBe(
    "i.jsonl:2: the item_id is empty; every row needs one",
  );
  expect(await refusal("i.jsonl", '{"user_id":"u","item_id":"i"}\n[1]\n')).toMatch(
    /^i.jsonl:2: the user_id is empty/,
  );
});

test("an items file with an id twice, an empty id or no id column", async () => {
  const items = async (name: string, text: string) =>
    refusal("ok.csv", good, { items: await file(name, text) });
  expect(await items("d.jsonl", '{"item_id":"a"}\n{"item_id":"b"}\n\n{"item_id":"a"}\n')).toBe(
    'd.jsonl:4: the item "a" is here and at d.jsonl:1; keep one of them',
  );
  expect(await items("d.csv", "item_id\nz z\na\nz z\n")).toBe(
    'd.csv:4: the item "z z" is here and at d.csv:2; keep one of them',
  );
  expect(await items("e.csv", "item_id,title\na,T\n,U\n")).toBe(
    "e.csv:3: the item_id is empty; every item needs one",
  );
  expect(await items("n.csv", "id,title\na,T\n")).toMatch(
    /^n.csv: there is no column "item_id"; the nearest is "id"/,
  );
});

test("nothing left: which threshold emptied it", async () => {
  expect(await refusal("k.csv", good, { minUser: 3 })).toBe(
    "minUser: no user has at least 3 interactions (the most is 2); lower --min-user",
  );
  expect(await refusal("k.csv", good, { minItem: 9, minUser: 2 })).toBe(
    "minItem: no item has at least 9 interactions (the most is 2); lower --min-item",
  );
  expect(await refusal("k.csv", good, { minUser: 2, minItem: 2 })).toBe(
    "minUser and minItem: the k-core of 2 and 2 is empty (minUser alone would leave 2 interactions, minItem alone 2); lower one of them",
  );
  expect(await refusal("r.csv", "user_id,item_id,rating\nu,a,3.5\n", { minRating: 4 })).toBe(
    "minRating: no interaction has a rating of at least 4 (the highest is 3.5); lower --min-rating",
  );
});

test("wrong numbers for thresholds and limits", async () => {
  expect(await refusal("a.csv", good, { minUser: 0 })).toBe("minUser: 0 is not a whole number of at least 1");
  expect(await refusal("a.csv", good, { minItem: 1.5 })).toBe(
    "minItem: 1.5 is not a whole number of at least 1",
  );
  expect(await refusal("a.csv", good, { minUser: Number.NaN })).toBe(
    "minUser: NaN is not a whole number of at least 1",
  );
  expect(await refusal("a.csv", good, { minRating: Number.NaN })).toBe("minRating: NaN is not a number");
  expect(await refusal("a.csv", good, { threads: -1 })).toBe(
    "threads: -1 is not a whole number of at least 1",
  );
  expect(await refusal("a.csv", good, { memoryLimit: "lots" })).toBe(
    'memoryLimit: "lots" is not a size such as "3GB"',
  );
});

test("a folder or file that is not ours is never replaced", async () => {
  const interactions = await file("a.csv", good);
  await mkdir(join(folder, "precious"));
  await file("precious/diary.txt", "dear diary");
  const into = (out: string) => importInteractions({ interactions, out: join(folder, out) });
  await expect(into("precious")).rejects.toThrow(
    /precious: this folder holds something else than a Sequitur dataset/,
  );
  await expect(into("a.csv")).rejects.toThrow(/a.csv: there is a file of this name; choose another folder/);
  expect(await readFile(join(folder, "precious", "diary.txt"), "utf8")).toBe("dear diary");
});

test("a failed import leaves the dataset that was there", async () => {
  const out = join(folder, "out");
  await importInteractions({ interactions: await file("a.csv", good), out });
  const bad = await file("bad.csv", good.replace("3\n", "never\n"));
  await expect(importInteractions({ interactions: bad, out })).rejects.toThrow(DataError);
  expect((await openDataset(out)).users).toEqual(["u", "v"]);
  expect((await readdir(folder)).sort()).toEqual(["a.csv", "bad.csv", "out"]);
});

test("folders that are missing, of another version, altered or not a dataset are refused", async () => {
  const out = join(folder, "out");
  await importInteractions({ interactions: await file("a.csv", good), out });
  const refused = async () => {
    const error = await openDataset(out).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message.replaceAll(folder, "");
  };
  const manifest = await readFile(join(out, "manifest.json"), "utf8");
  await writeFile(join(out, "manifest.json"), manifest.replace('"format": 1', '"format": 2'));
  expect(await refused()).toBe(
    "/out: the dataset was written by format 2, this version reads 1: import it again",
  );
  await writeFile(join(out, "manifest.json"), manifest.replace('"users": 2', '"users": "two"'));
  expect(await refused()).toMatch(/^\/out\/manifest.json: the manifest was altered: /);
  await writeFile(join(out, "manifest.json"), '{"name":"something"}');
  expect(await refused()).toBe("/out/manifest.json: this is not the manifest of a Sequitur dataset");
  await writeFile(join(out, "manifest.json"), manifest);
  const users = await readFile(join(out, "users.parquet"));
  users[20]! ^= 1;
  await writeFile(join(out, "users.parquet"), users);
  expect(await refused()).toBe(
    "/out: the dataset was altered: hash mismatch of users.parquet; import it again",
  );
  await rm(join(out, "users.parquet"));
  expect(await refused()).toBe("/out/users.parquet: there is no such file; check the path");
  await rm(out, { recursive: true });
  expect(await refused()).toBe(
    '/out: this is not a dataset folder (it has no manifest.json); make one with "sequitur import"',
  );
});
