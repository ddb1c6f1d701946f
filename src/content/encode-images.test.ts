import { appendFile, mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../data/dataset.ts";
import { openFeatures } from "../data/features.ts";
import { type Scratch, scratch } from "../data/testing/scratch.ts";
import { Graph } from "../graph/graph.ts";
import { mean, reshape, transpose } from "../graph/ops/index.ts";
import { writeOnnx } from "../onnx/write.ts";
import { type Dim, f32, i32 } from "../tensor/spec.ts";
import { encode } from "./encode.ts";
import { loadSharp, normalizations, readImage } from "./images.ts";
import { itemPictures } from "./item-pictures.ts";
import { openNewItemFeatures } from "./new-items.ts";

/** An encoder that gives the four corners' colours: [N, 3, 2, 2] → [N, 12]. */
function corners(layout: "nchw" | "nhwc" = "nchw", batch: Dim = "N"): Uint8Array {
  const graph = new Graph();
  const x = graph.input("pixels", layout === "nchw" ? f32(batch, 3, 2, 2) : f32(batch, 2, 2, 3));
  graph.output("embedding", reshape(x, [batch, 12]));
  return writeOnnx(graph);
}

const flat = (r: number, g: number, b: number, size = 8) =>
  sharp({ create: { width: size, height: size, channels: 3, background: { r, g, b } } });

describe("the image encoder", () => {
  let at: Scratch;
  let dataset: Dataset;
  let images = "";
  let encoder = "";
  const ids = Array.from({ length: 70 }, (_, i) => `p${String(i).padStart(2, "0")}`);
  beforeAll(async () => {
    at = await scratch();
    images = join(at.folder, "images");
    await mkdir(images);
    for (const [i, id] of ids.entries())
      if (i < 66)
        await flat(i, 128, 255 - i)
          .png()
          .toFile(join(images, `${id}.png`));
    await writeFile(join(images, "p01.png"), "no image at all");
    await sharp({ create: { width: 10_000, height: 5000, channels: 3, background: "red" } })
      .jpeg()
      .toFile(join(images, "p02.jpg"));
    await rm(join(images, "p02.png"));
    await flat(9, 9, 9).greyscale().webp({ lossless: true }).toFile(join(images, "p66.webp"));
    const png = await flat(1, 2, 3, 64).png().toBuffer();
    await writeFile(join(images, "p67.png"), png.subarray(0, png.length / 2));
    await sharp({ create: { width: 4, height: 4, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toFile(join(images, "p68.png")); // nothing but transparency: white
    const log = ids.map((id, i) => `u${i % 5},${id},${i}`).join("\n");
    const interactions = await at.file("log.csv", `user_id,item_id,timestamp\n${log}\n`);
    dataset = (await at.imported(interactions, { images })).dataset;
    encoder = await at.file("corners.onnx", corners());
  });
  afterAll(() => at.remove());

  const path = () => join(dataset.directory, "features", "image.safetensors");
  const encodeAll = async (file = encoder) => (await encode(dataset, { images: { encoder: file } }))[0]!;

  it("encodes every picture, names those that cannot be read, and marks items without", async () => {
    const report = await encodeAll();
    expect(report).toMatchObject({ table: "image", dim: 12, items: 70, encoded: 66, reused: 0, missing: 1 });
    expect(report.missingItems).toEqual(["p69"]);
    expect(report.problems).toEqual([
      { item: "p01", what: expect.stringMatching(/^this is not an image that can be read \(/) },
      { item: "p02", what: "the image has 50.0 megapixels, which is more than 40; make it smaller" },
      { item: "p67", what: expect.stringMatching(/^this is not an image that can be read \(/) },
    ]);
    const { values, present, source } = await openFeatures(dataset, "image");
    expect(ids.filter((_, i) => present[i] === 0)).toEqual(["p01", "p02", "p67", "p69"]);
    const row = (i: number) =>
      [...values.slice(12 * i, 12 * i + 12)].map((value) => Math.round(value * 128 + 128));
    expect(row(5)).toEqual([5, 5, 5, 5, 128, 128, 128, 128, 250, 250, 250, 250]);
    expect(row(66)).toEqual(Array(12).fill(9));
    expect(row(68)).toEqual(Array(12).fill(255));
    expect(source).toMatchObject({
      encoder: "corners.onnx",
      options: { width: 2, height: 2, layout: "nchw" },
    });
  });

  it("encodes nothing a second time, and then only the picture that has changed", async () => {
    const before = await readFile(path());
    expect(await encodeAll()).toMatchObject({ encoded: 0, reused: 66 });
    expect(await readFile(path())).toEqual(before);
    await flat(200, 0, 0).png().toFile(join(images, "p07.png"));
    expect(await encodeAll()).toMatchObject({ encoded: 1, reused: 65 });
    await flat(7, 128, 248).png().toFile(join(images, "p07.png"));
    expect(await encodeAll()).toMatchObject({ encoded: 1, reused: 65 });
    expect(await readFile(path())).toEqual(before);
  });

  it("is opened again for new items, whose pictures are called by their ids", async () => {
    const { values } = await openFeatures(dataset, "image");
    await flat(5, 128, 250).png().toFile(join(images, "new%2Fone.png"));
    await writeFile(join(images, "bad.png"), "no image");
    const reopened = await openNewItemFeatures(dataset, "image");
    const [own, bad, none] = await reopened.encode(
      ["new/one", "bad", "../images/p05"].map((id) => ({ id, fields: {} })),
    );
    expect(own).toEqual(values.slice(12 * 5, 12 * 6));
    expect(bad).toMatch(/^this is not an image that can be read \(/);
    expect(none).toBe("the folder of pictures has none that is called by its id");
    await reopened.dispose();
    await Promise.all(["new%2Fone.png", "bad.png"].map((name) => rm(join(images, name))));
    const moved = await at.file("moved.onnx", corners("nchw", 1));
    await expect(openNewItemFeatures(dataset, "image", { encoder: moved })).rejects.toThrow(
      'the encoder that was found for features "image" is not the one that made them (corners.onnx)',
    );
  });

  it("goes on where it was killed, and gives the same table bit for bit", async () => {
    const before = await readFile(path());
    await rm(path());
    let batches = 0;
    const onProgress = ({ step }: { step: string }) => {
      if (step === "encoding" && ++batches === 2) throw new Error("killed");
    };
    await expect(encode(dataset, { images: { encoder }, onProgress })).rejects.toThrow("killed");
    const partial = join(dataset.directory, "features", ".image.partial");
    await appendFile(partial, (await readFile(partial)).subarray(0, 700)); // killed in the middle of writing
    batches = 5;
    const seen: number[] = [];
    const [report] = await encode(dataset, {
      images: { encoder },
      onProgress: ({ done }) => seen.push(done),
    });
    expect(report).toMatchObject({ encoded: 66, reused: 0 });
    expect(seen.at(-1)).toBe(69);
    expect(await readFile(path())).toEqual(before);
    await expect(readFile(partial)).rejects.toThrow("ENOENT");
  });

  it("takes over what was encoded where a broken table or other data stand in its place", async () => {
    const before = await readFile(path());
    const more = ids
      .slice(0, 69)
      .map((id, i) => `v${i % 5},${id},${i}`)
      .join("\n");
    const log = await at.file("more.csv", `user_id,item_id,timestamp\n${more}\n`);
    const { dataset: other } = await at.imported(log, { images });
    const [report] = await encode(other, { images: { encoder } });
    expect(report).toMatchObject({ items: 69, encoded: 0, reused: 66 });
    expect((await openFeatures(other, "image")).values).toHaveLength(69 * 12);
    dataset = (await at.imported(join(at.folder, "log.csv"), { images })).dataset;
    await encodeAll();
    expect(await readFile(path())).toEqual(before);
    await truncate(path(), 1000);
    expect(await encodeAll()).toMatchObject({ encoded: 66 });
    expect(await readFile(path())).toEqual(before);
  });

  it("gives the same for encoders of another layout or of fixed batches", async () => {
    const { values } = await openFeatures(dataset, "image");
    const point = (table: Float32Array, i: number, c: number, p: number, layout: string) =>
      table[12 * i + (layout === "nchw" ? 4 * c + p : 3 * p + c)];
    for (const [layout, batch] of [
      ["nhwc", "N"],
      ["nchw", 1],
      ["nhwc", 8],
    ] as const) {
      await encodeAll(await at.file(`${layout}-${batch}.onnx`, corners(layout, batch)));
      const other = (await openFeatures(dataset, "image")).values;
      for (let i = 0; i < 70; i += 5)
        for (let c = 0; c < 3; c++)
          expect(point(other, i, c, 3, layout)).toBe(point(values, i, c, 3, "nchw"));
    }
  });

  it("goes on where a picture is a folder or has gone, and names its item", async () => {
    const [folder, gone] = [join(images, "p69.jpg"), join(images, "p07.png")];
    const bytes = await readFile(gone);
    await mkdir(folder);
    await rm(gone);
    await symlink(join(images, "nowhere.png"), gone);
    const report = await encodeAll();
    const size = { width: 2, height: 2, layout: "nchw" as const };
    const { present } = await itemPictures(dataset, size);
    await Promise.all([folder, gone].map((path) => rm(path, { recursive: true })));
    await writeFile(gone, bytes);
    expect(report.encoded + report.reused).toBe(65);
    expect(report.problems.filter(({ item }) => ["p07", "p69"].includes(item))).toEqual([
      { item: "p07", what: "the image is no longer there" },
      { item: "p69", what: "this is a folder, not an image" },
    ]);
    expect(ids.filter((_, i) => present[i] === 0)).toEqual(["p01", "p02", "p07", "p67", "p69"]);
    expect(await encodeAll()).toMatchObject({ encoded: 1, reused: 65, missing: 1 });
  });

  it("pools the states of places, and tells how, so that other tables are not taken over", async () => {
    const corner = Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const odd = await sharp(corner, { raw: { width: 2, height: 2, channels: 3 } })
      .png()
      .toBuffer();
    await writeFile(join(images, "p69.png"), odd);
    const graph = new Graph();
    const pixels = graph.input("pixels", f32("N", 3, 2, 2));
    graph.output("last_hidden_state", transpose(reshape(pixels, ["N", 3, 4]), [0, 2, 1]));
    const file = await at.file("tokens.onnx", writeOnnx(graph));
    const red = async (pooling?: "cls"): Promise<number> => {
      const input = normalizations.unit;
      const [report] = await encode(dataset, { images: { encoder: file, input, pooling } });
      expect(report).toMatchObject({ dim: 3, encoded: 67, reused: 0 });
      const { values, source } = await openFeatures(dataset, "image");
      expect(source).toMatchObject({ options: { pooling: pooling ?? "mean" } });
      return values[3 * 69]!;
    };
    expect(await red()).toBeCloseTo(1 / 4);
    expect(await red("cls")).toBeCloseTo(1);
    const table = await openFeatures(dataset, "image");
    const reopened = await openNewItemFeatures(dataset, table);
    const [own] = await reopened.encode([{ id: "p69", fields: {} }]);
    expect(own![0]).toBeCloseTo(1);
    await reopened.dispose();
    const { pooling: _, ...options } = table.source.options as { pooling: string };
    await expect(
      openNewItemFeatures(dataset, { ...table, source: { ...table.source, options } }),
    ).rejects.toThrow("encoded by an earlier version, which left the states of all places side by side");
    await expect(encode(dataset, { images: { encoder: file, pooling: "last" } })).rejects.toThrow(
      "a picture has no last token; choose --pooling mean or cls",
    );
    await rm(join(images, "p69.png"));
  });

  it("says what is wrong with a file that is no image encoder", async () => {
    const graph = new Graph();
    graph.output("y", mean(graph.input("ids", i32("N", 5))));
    const text = await at.file("text.onnx", writeOnnx(graph));
    await expect(encodeAll(text)).rejects.toThrow(
      /text\.onnx: this is no image encoder: it takes "ids" INT32 \[N, 5\]; an image encoder takes/,
    );
    await expect(encodeAll(await at.file("x.onnx", "nothing"))).rejects.toThrow(
      "x.onnx: this is no image encoder",
    );
    await expect(encodeAll(join(at.folder, "none.onnx"))).rejects.toThrow("there is no such file");
    await expect(encode(dataset, { images: {} })).rejects.toThrow("images need an encoder");
    const input = { width: 3 };
    await expect(encode(dataset, { images: { encoder, input } })).rejects.toThrow(
      "its width is 2, and 3 is asked for",
    );
  });

  it("needs a folder of images", async () => {
    const { dataset: bare } = await at.imported(join(at.folder, "log.csv"), { out: join(at.folder, "bare") });
    await expect(encode(bare, { images: { encoder } })).rejects.toThrow("no folder of images is recorded");
    expect((await encode(bare, { images: { encoder, directory: images } }))[0]!.encoded).toBe(66);
    await expect(encode(bare, { images: { encoder }, text: {}, outName: "x" })).rejects.toThrow(
      "cannot name two tables",
    );
  });
});

it("pictures are normalised as asked for", async () => {
  const bytes = await flat(255, 0, 51).png().toBuffer();
  const input = { width: 1, height: 1, layout: "nhwc" as const };
  const decoder = await loadSharp();
  const read = async (name: keyof typeof normalizations) =>
    [...((await readImage(decoder, bytes, { ...input, ...normalizations[name] })) as Float32Array)].map(
      (value) => Math.round(value * 1000) / 1000,
    );
  expect(await read("unit")).toEqual([1, 0, 0.2]);
  expect(await read("signed")).toEqual([0.992, -1, -0.602]);
  expect(await read("imagenet")).toEqual([2.249, -2.036, -0.916]);
});
