import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Dataset, readItems } from "../data/dataset.ts";
import { listFeatures, openFeatures } from "../data/features.ts";
import { type Scratch, scratch } from "../data/testing/scratch.ts";
import { encode } from "./encode.ts";
import { textColumns } from "./item-text.ts";

const kinds = ["red shoe", "blue shirt", "green hat"];

/** Forty items of three kinds; one has no row in the items file, one no text, one a word of its own, one a huge text. */
async function shop(at: Scratch): Promise<Dataset> {
  const ids = Array.from({ length: 40 }, (_, i) => `i${String(i).padStart(2, "0")}`);
  const log = ids.map((id, i) => `u${i % 5},${id},${i}`).join("\n");
  const items = ids.slice(0, -1).map((item_id, i) => {
    const code = `B00${i}XY`;
    const base = {
      item_id,
      title: `${kinds[i % 3]} number ${i % 4}`,
      tags: [kinds[i % 3]!.split(" ")[0]],
      code,
      price: i,
    };
    if (i === 5) return { item_id, code };
    if (i === 6) return { item_id, title: "unheard", code };
    return i === 7 ? { ...base, title: `${"blue shirt длинный 文字 ".repeat(5000)}` } : base;
  });
  const interactions = await at.file("log.csv", `user_id,item_id,timestamp\n${log}\n`);
  const file = await at.file("items.jsonl", items.map((item) => JSON.stringify(item)).join("\n"));
  return (await at.imported(interactions, { items: file })).dataset;
}

describe("the built-in text encoder", () => {
  let at: Scratch;
  let dataset: Dataset;
  beforeAll(async () => {
    at = await scratch();
    dataset = await shop(at);
  });
  afterAll(() => at.remove());

  it("reads the columns that hold words, and no codes", async () => {
    const items = await readItems(dataset);
    expect(textColumns(items, undefined)).toEqual(["title", "tags"]);
    expect(textColumns(items, ["code", "price"])).toEqual(["code", "price"]);
    expect(() => textColumns(items, ["titel"])).toThrow(
      /the items have no column "titel"; the nearest is "title"/,
    );
    expect(() => textColumns([{ id: "a", fields: {} }], undefined)).toThrow(
      "the items have no texts to encode",
    );
  });

  it("encodes likeness, marks what has no content, and names what cannot be encoded", async () => {
    const seen: string[] = [];
    const [report] = await encode(dataset, { onProgress: ({ step }) => seen.push(step) });
    expect(report).toMatchObject({ table: "text", items: 40, encoded: 37, reused: 0, missing: 2 });
    expect(report!.problems).toEqual([{ item: "i06", what: "none of its words is in another item's text" }]);
    expect(new Set(seen)).toEqual(new Set(["reading the texts", "finding components"]));
    const { values, present, dim, source } = await openFeatures(dataset, "text");
    expect(source).toMatchObject({
      encoder: "tfidf-svd",
      columns: ["title", "tags"],
      options: { dim: 1024, seed: 1 },
    });
    for (const item of [5, 6, 39]) {
      expect(present[item]).toBe(0);
      expect(values.slice(item * dim, (item + 1) * dim).every((value) => value === 0)).toBe(true);
    }
    expect(present.reduce((sum, mark) => sum + mark, 0)).toBe(37);
    const near = (a: number, b: number) => {
      let sum = 0;
      for (let c = 0; c < 2; c++) sum += values[a * dim + c]! * values[b * dim + c]!;
      return sum;
    };
    expect(near(0, 12)).toBeGreaterThan(near(0, 13));
    expect(near(1, 13)).toBeGreaterThan(near(1, 14));
  });

  it("encodes nothing a second time, and the same bit for bit from the start", async () => {
    const path = join(dataset.directory, "features", "text.safetensors");
    const before = await readFile(path);
    expect((await encode(dataset, {}))[0]).toMatchObject({ encoded: 0, reused: 37 });
    await rm(path);
    expect((await encode(dataset, { threads: 1 }))[0]).toMatchObject({ encoded: 37, reused: 0 });
    expect(await readFile(path)).toEqual(before);
  });

  it("encodes again where the columns, the dimensions or the name are others", async () => {
    const [report] = await encode(dataset, { text: { columns: ["title"], dim: 3 }, outName: "titles" });
    expect(report).toMatchObject({ table: "titles", dim: 3, encoded: 37 });
    expect((await encode(dataset, { text: { dim: 3 } }))[0]).toMatchObject({
      table: "text",
      dim: 3,
      encoded: 37,
    });
    expect(await listFeatures(dataset)).toEqual(["text", "titles"]);
  });

  it("says so where no two texts have a word in common", async () => {
    const csv = await at.file("l.csv", "user_id,item_id,timestamp\nu,a,1\nu,b,2\n");
    const items = await at.file("i.csv", "item_id,title\na,same\nb,same\n");
    const alike = (await at.imported(csv, { items, out: join(at.folder, "alike") })).dataset;
    await expect(encode(alike, {})).rejects.toThrow("are all alike or share no words");
  });
});
