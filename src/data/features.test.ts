import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Dataset, openDataset } from "./dataset.ts";
import { listFeatures, type NewFeatures, openFeatures, writeFeatures } from "./features.ts";
import { readTensors } from "./tensors.ts";
import { type Scratch, scratch } from "./testing/scratch.ts";

const table: NewFeatures = {
  dim: 2,
  values: Float32Array.of(1, 2, 0, 0, -3, 4),
  present: Uint8Array.of(1, 0, 1),
  source: { columns: ["title"], encoder: "tfidf-svd" },
};

describe("feature tables", () => {
  let at: Scratch;
  let dataset: Dataset;
  beforeAll(async () => {
    at = await scratch();
    const csv = await at.file("log.csv", "user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,c,3\n");
    dataset = (await at.imported(csv)).dataset;
  });
  afterAll(() => at.remove());

  it("read back as they were written, and are listed by name", async () => {
    expect(await listFeatures(dataset)).toEqual([]);
    const written = await writeFeatures(dataset, "text", table);
    await writeFeatures(dataset, "image", { ...table, keys: new Uint8Array(48).fill(7) });
    expect(await openFeatures(dataset, "text")).toEqual(written);
    expect(written).toMatchObject({
      name: "text",
      ...table,
      contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await openFeatures(dataset, "image")).keys).toEqual(new Uint8Array(48).fill(7));
    expect(await listFeatures(dataset)).toEqual(["image", "text"]);
    await openDataset(dataset.directory); // they are no alteration of the data
  });

  it("are safetensors files of values and of which are present", async () => {
    const { tensors, metadata } = await readTensors(join(dataset.directory, "features", "text.safetensors"));
    expect(tensors).toEqual({
      values: { data: table.values, shape: [3, 2] },
      present: { data: table.present, shape: [3] },
    });
    expect(metadata).toMatchObject({
      dataset: dataset.manifest.fingerprint,
      source: JSON.stringify(table.source),
    });
  });

  it("that are not there are said to be, with those that are and how to make some", async () => {
    await expect(openFeatures(dataset, "txt")).rejects.toThrow(
      /there are no features "txt"; the nearest is "text".*sequitur encode/,
    );
  });

  it("of another data set are refused, and so are broken ones", async () => {
    const csv = await at.file("other.csv", "user_id,item_id,timestamp\nu,a,2\nu,c,1\nu,b,3\n");
    const other = (await at.imported(csv, { out: join(at.folder, "other") })).dataset;
    await expect(openFeatures(other, "text")).rejects.toThrow(
      'there are no features "text"; there are none;',
    );
    await writeFeatures(other, "text", table);
    const [from, to] = [dataset, other].map(({ directory }) =>
      join(directory, "features", "text.safetensors"),
    );
    await writeFile(to!, await readFile(from!));
    await expect(openFeatures(other, "text")).rejects.toThrow(
      `belong to another data set (${dataset.manifest.fingerprint}, this one is ${other.manifest.fingerprint})`,
    );
    await writeFile(to!, "{}");
    await expect(openFeatures(other, "text")).rejects.toThrow("is not a whole safetensors file");
  });

  it("with numbers that are none, a wrong number of rows or an impossible name are not written", async () => {
    const values = table.values.slice();
    values[3] = Number.NaN;
    await expect(writeFeatures(dataset, "bad", { ...table, values })).rejects.toThrow(
      "value 1 of row 1 is NaN",
    );
    await expect(writeFeatures(dataset, "bad", { ...table, dim: 3 })).rejects.toThrow("are not 3 rows of 3");
    await expect(writeFeatures(dataset, "../bad", table)).rejects.toThrow('features "../bad": a name is');
    expect(await listFeatures(dataset)).not.toContain("bad");
  });
});
