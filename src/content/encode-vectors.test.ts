import { afterAll, beforeAll, expect, it } from "vitest";
import { openFeatures } from "../data/features.ts";
import { type Scratch, scratch } from "../data/testing/scratch.ts";
import { encode } from "./encode.ts";

let at: Scratch;
beforeAll(async () => {
  at = await scratch();
});
afterAll(() => at.remove());

it("a column of embeddings becomes a table; what is missing or wrong is marked and named", async () => {
  const vectors = { a: [1, 2], b: "[0.5, -1e2]", c: "3 4", d: null, e: [1], f: ["x", 2], g: { x: 1 } };
  const ids = Object.keys(vectors);
  const log = await at.file(
    "log.csv",
    `user_id,item_id,timestamp\n${ids.map((id, i) => `u,${id},${i}`).join("\n")}\n`,
  );
  const lines = Object.entries(vectors).map(([item_id, llm]) => JSON.stringify({ item_id, llm, title: "x" }));
  const { dataset } = await at.imported(log, { items: await at.file("items.jsonl", lines.join("\n")) });
  const [report] = await encode(dataset, { vectors: "llm" });
  expect(report).toMatchObject({ table: "llm", dim: 2, items: 7, encoded: 3, missing: 1 });
  expect(report!.problems).toEqual([
    { item: "e", what: "its vector has 1 values, those of other items have 2" },
    { item: "f", what: "value 1 of its vector is no number" },
    { item: "g", what: "its value is no list of numbers" },
  ]);
  const { values, present } = await openFeatures(dataset, "llm");
  expect([...values]).toEqual([1, 2, 0.5, -100, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect([...present]).toEqual([1, 1, 1, 0, 0, 0, 0]);
  expect((await encode(dataset, { vectors: "llm", outName: "again" }))[0]!.encoded).toBe(3);
  expect((await encode(dataset, { vectors: "llm" }))[0]).toMatchObject({ encoded: 0, reused: 3 });
  await expect(encode(dataset, { vectors: "lm" })).rejects.toThrow('no column "lm"; the nearest is "llm"');
  await expect(encode(dataset, { vectors: "title" })).rejects.toThrow(
    'no item has numbers in column "title"',
  );
});
