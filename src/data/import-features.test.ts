import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../tensor/safetensors.ts";
import { readFeatureInput } from "./feature-input.ts";
import { listFeatures, openFeatures, writeFeatures } from "./features.ts";
import { type Scratch, scratch } from "./testing/scratch.ts";

let at: Scratch;
let interactions = "";
beforeAll(async () => {
  at = await scratch();
  interactions = await at.file("log.csv", "user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,c,3\n");
});
afterAll(() => at.remove());

/** A .npy file as NumPy writes it. */
function npy(type: string, shape: readonly number[], data: Uint8Array, order = "False"): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${sizes}), }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const head = Uint8Array.of(0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8);
  return Buffer.concat([head, Buffer.from(padded), data]);
}
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** Imports features of items z, c, a (z is unknown, b has none) and gives the table's rows. */
async function rowsOf(text: string, options = {}) {
  const features = [readFeatureInput(`f=${text}`)];
  const { dataset, report } = await at.imported(interactions, { features, ...options });
  const { dim, values, present, source } = await openFeatures(dataset, "f");
  const rows = [0, 1, 2].map((item) => [...values.slice(item * dim, (item + 1) * dim)]);
  return { rows, present: [...present], source, notes: report.notes };
}
const expected = {
  rows: [
    [5, 6],
    [0, 0],
    [3, 4],
  ],
  present: [1, 0, 1],
};

describe("ready features", () => {
  it("of .npy files are aligned by ids; what has none is marked, and unknown items are counted", async () => {
    const ids = await at.file("ids.txt", "z\nc\na\n");
    const file = await at.file("f.npy", npy("<f4", [3, 2], floats(1, 2, 3, 4, 5, 6)));
    const read = await rowsOf(`${file}:${ids}`);
    expect(read).toMatchObject({ ...expected, source: { encoder: "file", file: "f.npy" } });
    expect(read.notes).toContain(
      'features "f" from f.npy: 2 of 3 items have 2 values; rows of items that are not in the catalogue, left out: 1',
    );
  });

  it.each([
    [
      "float64, big-endian",
      ">f8",
      new Uint8Array(Float64Array.of(1, 2, 3, 4, 5, 6).buffer).reverse(),
      "reversed",
    ],
    [
      "float16",
      "<f2",
      new Uint8Array(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600).buffer),
      "False",
    ],
    ["int64", "<i8", new Uint8Array(BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n).buffer), "False"],
    ["columns first", "<f4", floats(1, 3, 5, 2, 4, 6), "True"],
  ])("are read as %s", async (_, type, data, order) => {
    const ids = await at.file("ids.txt", order === "reversed" ? "a\nc\nz\n" : "z\nc\na");
    const file = await at.file("f.npy", npy(type, [3, 2], data, order === "True" ? "True" : "False"));
    const { rows, present } = await rowsOf(`${file}:${ids}`);
    const swapped = {
      ...expected,
      rows: [
        [6, 5],
        [0, 0],
        [4, 3],
      ],
    };
    expect({ rows, present }).toEqual(order === "reversed" ? swapped : expected);
  });

  it("of safetensors and Parquet files are read, with ids of their own where there are", async () => {
    const ids = await at.file("ids.txt", "z\nc\na\n");
    const tensors = {
      other: { data: new Uint8Array(1), shape: [1] },
      any: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] },
    };
    expect(await rowsOf(`${await at.file("f.safetensors", writeSafetensors(tensors))}:${ids}`)).toMatchObject(
      expected,
    );
    const values = "VALUES ('z', [1, 2], 1, 2), ('c', [3, 4], 3, 4), ('a', [5, 6], 5, 6)";
    const lists = await at.parquet("lists.parquet", `SELECT i AS item_id, v FROM (${values}) t(i, v, x, y)`);
    expect(await rowsOf(lists)).toMatchObject(expected);
    const columns = await at.parquet(
      "columns.parquet",
      `SELECT i AS item_id, x, y FROM (${values}) t(i, v, x, y)`,
    );
    expect(await rowsOf(columns)).toMatchObject(expected);
    const csv = await at.file("f.csv", "item_id,x,y\nz,1,2\nc,3,4\na,5,6\n");
    expect(await rowsOf(csv)).toMatchObject(expected);
    const json = await at.file(
      "f.jsonl",
      '{"item_id":"c","v":[3,4]}\n{"item_id":"a","v":[5,6]}\n{"item_id":"b","v":[0,0]}\n',
    );
    expect(await rowsOf(json)).toMatchObject(expected); // zeros alone are no features
  });

  it("without ids are in the order of the items file, or refused", async () => {
    const file = await at.file("f.npy", npy("<f4", [3, 2], floats(1, 2, 3, 4, 5, 6)));
    const items = await at.file("items.csv", "item_id\nz\nc\na\n");
    expect(await rowsOf(file, { items })).toMatchObject(expected);
    await expect(rowsOf(file)).rejects.toThrow(/which row belongs to which item\?.*f=.*f\.npy:IDS\.txt/);
  });

  it("that are wrong are refused with the item's name, and nothing is left", async () => {
    const before = await readdir(at.folder);
    const refused = async (ids: string, values: number[], what: string | RegExp) => {
      const list = await at.file("ids.txt", ids);
      const file = await at.file("f.npy", npy("<f4", [values.length / 2, 2], floats(...values)));
      await expect(rowsOf(`${file}:${list}`, { out: join(at.folder, "none") })).rejects.toThrow(what);
    };
    await refused("a\nb\nc", [1, 2, 3, Number.NaN, 5, 6], 'row 2 (item "b"): value 2 is NaN');
    await refused("a\nb\na", [1, 2, 3, 4, 5, 6], 'rows 1 and 3 are both of item "a"');
    await refused(
      "a\nb\nc",
      [1, 2, 3, 4],
      /2 rows for the 3 ids of .*ids\.txt; the first id without a row is "c"/,
    );
    await refused(
      "a",
      [1, 2, 3, 4],
      /2 rows for the 1 ids of .*; the first row without an id is row 2; every/,
    );
    const broken = await at.file("f.npy", npy("<f4", [3, 2], floats(1, 2)));
    await expect(rowsOf(broken)).rejects.toThrow("it is cut short");
    await expect(rowsOf(await at.file("f.npy", npy("<U5", [3], floats(1))))).rejects.toThrow(
      "its element type is <U5",
    );
    await expect(rowsOf(await at.file("f.npy", "no matrix of numbers"))).rejects.toThrow(
      "it does not begin as one",
    );
    expect((await readdir(at.folder)).filter((name) => !before.includes(name))).toEqual([]);
  });

  it("are named as NAME=FILE or NAME=FILE:IDS", () => {
    expect(readFeatureInput("a=C:\\x y.npy:D:\\ids")).toEqual({
      name: "a",
      file: "C:\\x y.npy",
      ids: "D:\\ids",
    });
    expect(() => readFeatureInput("x.npy")).toThrow("write NAME=FILE or NAME=FILE:IDS.txt");
    expect(() => readFeatureInput("a b=x.npy")).toThrow('features "a b": a name is');
  });

  it("stay in a dataset folder that is imported again, and have to be made again for other data", async () => {
    const { dataset } = await at.imported(interactions);
    const table = { dim: 1, values: Float32Array.of(1, 2, 3), present: Uint8Array.of(1, 1, 1), source: {} };
    await writeFeatures(dataset, "mine", table);
    expect((await at.imported(interactions)).report.notes.join()).not.toContain("made again");
    expect(await listFeatures(dataset)).toContain("mine");
    const more = await at.file("more.csv", "user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,c,3\nu,d,4\n");
    const { report, dataset: other } = await at.imported(more);
    expect(report.notes.join()).toMatch(/need to be made again: .*mine/);
    await expect(openFeatures(other, "mine")).rejects.toThrow("belong to another data set");
  });
});

describe("a folder of images", () => {
  it("is recorded with the number of items that have one", async () => {
    const images = join(at.folder, "images");
    await mkdir(images);
    for (const name of ["a.jpg", "a.png", "c%2F.webp", "c.JPEG", "z.jpg", "b.txt"])
      await writeFile(join(images, name), "");
    const { report } = await at.imported(interactions, { images });
    expect(report.manifest.images).toEqual({ directory: images, items: 2 });
    expect(report.notes).toContain("items with a picture: 2 of 3");
  });

  it("that is missing, empty or of other items is refused", async () => {
    const images = join(at.folder, "other");
    await expect(at.imported(interactions, { images })).rejects.toThrow("there is no such folder of images");
    await mkdir(images);
    await expect(at.imported(interactions, { images })).rejects.toThrow("there are no images in this folder");
    await writeFile(join(images, "x.png"), "");
    await expect(at.imported(interactions, { images })).rejects.toThrow(
      'none of its 1 images is called as an item is (the first item is "a", an image "x")',
    );
  });
});
