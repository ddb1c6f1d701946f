import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../data/dataset.ts";
import { openFeatures, writeFeatures } from "../data/features.ts";
import { type Scratch, scratch } from "../data/testing/scratch.ts";
import { encode } from "./encode.ts";
import { spaceOf } from "./feature-space.ts";

const kinds = ["red leather shoes", "blue cotton hat", "green jasmine tea", "steel kitchen knife"];

describe("texts encoded like those of another data set", () => {
  let at: Scratch;
  let [origin, same, other]: Dataset[] = [];
  const shop = async (name: string, titles: readonly string[]): Promise<Dataset> => {
    const log = titles.map((_, i) => `u${i % 3},${name}${i},${i}`).join("\n");
    const items = titles.map((title, i) => JSON.stringify({ item_id: `${name}${i}`, title })).join("\n");
    const file = await at.file(`${name}.csv`, `user_id,item_id,timestamp\n${log}\n`);
    return (
      await at.imported(file, { items: await at.file(`${name}.jsonl`, items), out: join(at.folder, name) })
    ).dataset;
  };
  beforeAll(async () => {
    at = await scratch();
    const titles = Array.from({ length: 80 }, (_, i) => `${kinds[i % 4]} model ${i % 9} of ${i % 5}`);
    origin = await shop("a", titles);
    same = await shop("b", titles.toReversed());
    other = await shop("c", ["green tea", "a hat of cotton", "entirely unheard", "", "jasmine"]);
    await encode(origin, { text: { dim: 70 } });
  });
  afterAll(() => at.remove());

  it("are where the same texts are, whichever item they belong to", async () => {
    const [report] = await encode(same!, { text: { like: origin!.directory } });
    expect(report).toMatchObject({ table: "text", items: 80, encoded: 80, reused: 0, missing: 0 });
    const [theirs, ours] = [await openFeatures(origin!, "text"), await openFeatures(same!, "text")];
    const { dim } = theirs;
    expect(ours.dim).toBe(dim);
    let [error, square] = [0, 0];
    for (const [row, id] of same!.items.entries()) {
      const from = origin!.items.indexOf(`a${79 - Number(id.slice(1))}`) * dim;
      for (let c = 0; c < dim; c++) {
        error += (ours.values[row * dim + c]! - theirs.values[from + c]!) ** 2;
        square += theirs.values[from + c]! ** 2;
      }
    }
    expect(error / square).toBeLessThan(1e-3);
    expect(spaceOf(ours.source)).toBe(spaceOf(theirs.source));
    const again = await encode(same!, { text: { like: origin!.directory } });
    expect(again[0]).toMatchObject({ encoded: 0, reused: 80 });
    await encode(same!, { text: { dim: 70 } });
    expect(spaceOf((await openFeatures(same!, "text")).source)).not.toBe(spaceOf(theirs.source));
  });

  it("have content where a word is known, and the others are named", async () => {
    const [report] = await encode(other!, { text: { like: origin!.directory } });
    expect(report).toMatchObject({ items: 5, encoded: 3, missing: 1 });
    expect(report!.problems).toEqual([
      { item: "c2", what: `none of its words is in the texts of ${origin!.directory}` },
    ]);
  });

  it("are refused where nothing was fitted, or fitting is asked for besides", async () => {
    const like = other!.directory;
    await expect(encode(same!, { text: { like } })).rejects.toThrow(
      `features "text" of ${like} were themselves made like those of another data set; name that one`,
    );
    const table = await openFeatures(origin!, "text");
    await writeFeatures(origin!, "ready", { ...table, source: { encoder: "file" } });
    const ready = encode(same!, { text: { like: origin!.directory }, outName: "ready" });
    await expect(ready).rejects.toThrow("were made by file, which is fitted to no texts");
    const beside = encode(same!, { text: { like: origin!.directory, dim: 3 } });
    await expect(beside).rejects.toThrow(
      `--like takes the encoder as ${origin!.directory} has it; leave --dim out`,
    );
    await expect(encode(same!, { text: { like: join(at.folder, "nowhere") } })).rejects.toThrow(
      "not a dataset folder",
    );
  });

  it("tells spaces apart by what was fitted, and models by their files", () => {
    const model = { encoder: "m", columns: ["title"], options: { model: "1", pooling: "mean" } };
    expect(spaceOf(model)).toBe(spaceOf({ ...model, columns: ["name"], inputHash: "x" }));
    expect(spaceOf(model)).not.toBe(spaceOf({ ...model, options: { model: "2", pooling: "mean" } }));
    expect(spaceOf(model)).not.toBe(spaceOf({ ...model, layers: 3 }));
    expect(spaceOf({ encoder: "file", file: "a.npy" })).toBe(spaceOf({ encoder: "file", file: "b.npy" }));
  });
});
