import { afterAll, beforeAll, expect, it } from "vitest";
import { readItems } from "../data/dataset.ts";
import { openFeatures, writeFeatures } from "../data/features.ts";
import { type Scratch, scratch } from "../data/testing/scratch.ts";
import { encode } from "./encode.ts";
import { openNewItemFeatures } from "./new-items.ts";

let at: Scratch;
beforeAll(async () => {
  at = await scratch();
});
afterAll(() => at.remove());

it("new items with the texts of old ones have their features; new texts have those of like ones", async () => {
  const kinds = ["red leather shoes", "blue cotton hat", "green jasmine tea", "steel kitchen knife"];
  const ids = Array.from({ length: 80 }, (_, i) => `i${i + 10}`);
  const log = await at.file(
    "log.csv",
    `user_id,item_id,timestamp\n${ids.map((id, i) => `u,${id},${i}`).join("\n")}\n`,
  );
  const rows = ids.map((item_id, i) => ({
    item_id,
    title: `${kinds[i % 4]} model ${i % 9}`,
    brand: `brand ${i % 5}`,
  }));
  const file = await at.file("items.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
  const { dataset } = await at.imported(log, { items: file });
  await encode(dataset, { text: { dim: 12 } });
  const table = await openFeatures(dataset, "text");
  const items = await readItems(dataset);
  const encodeNew = await openNewItemFeatures(dataset, "text");
  const again = await encodeNew.encode(items);
  let [error, square] = [0, 0];
  for (const [i, value] of table.values.entries()) {
    error += ((again[Math.floor(i / 12)] as Float32Array)[i % 12]! - value) ** 2;
    square += value ** 2;
  }
  expect(error / square).toBeLessThan(1e-9);
  const fields = {};
  const [values, ...others] = await encodeNew.encode([
    { id: "new", title: "jasmine tea, green", fields },
    { id: "none", fields },
    { id: "strange", title: "entirely unheard-of", fields },
  ]);
  expect(others).toEqual([
    "it has no text in title, brand",
    "none of its words is in the texts of the catalogue",
  ]);
  const inner = (item: number) => {
    let sum = 0;
    for (let c = 0; c < 12; c++) sum += (values as Float32Array)[c]! * table.values[item * 12 + c]!;
    return sum;
  };
  const means = kinds.map((_, kind) => ids.reduce((sum, _id, i) => sum + (i % 4 === kind ? inner(i) : 0), 0));
  expect(means.indexOf(Math.max(...means))).toBe(2);
  await writeFeatures(dataset, "other", { ...table, source: { encoder: "file" } });
  await expect(openNewItemFeatures(dataset, "other")).rejects.toThrow(
    'features "other" were made elsewhere (file), so a new item must bring its own',
  );
});
