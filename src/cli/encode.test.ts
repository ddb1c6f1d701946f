import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Graph } from "../graph/graph.ts";
import { reshape } from "../graph/ops/index.ts";
import { writeOnnx } from "../onnx/write.ts";
import { f32 } from "../tensor/spec.ts";
import { tableText } from "./commands/encode.ts";
import { packageRoot } from "./package.ts";
import { run } from "./run.ts";
import { fakeContext } from "./testing/fake-context.ts";

let root = "";
let data = "";
let encoder = "";
const ids = Array.from({ length: 200 }, (_, i) => `i${String(i).padStart(3, "0")}`);

async function command(args: readonly string[]) {
  const context = fakeContext();
  return { code: await run(args, context), ...context.written };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sequitur-encode-"));
  [data, encoder] = [join(root, "data"), join(root, "colours.onnx")];
  const images = join(root, "images");
  await mkdir(images);
  for (const [i, id] of ids.entries()) {
    const background = { r: i % 256, g: (7 * i) % 256, b: 100 };
    const png = sharp({ create: { width: 2, height: 2, channels: 3, background } }).png();
    await writeFile(join(images, `${id}.png`), i === 0 ? "no image" : await png.toBuffer());
  }
  const graph = new Graph();
  graph.output("y", reshape(graph.input("x", f32("N", 3, 2, 2)), ["N", 12]));
  await writeFile(encoder, writeOnnx(graph));
  const rows = (line: (id: string, i: number) => string) => ids.map(line).join("\n");
  const [log, items] = [join(root, "log.csv"), join(root, "items.csv")];
  await writeFile(log, `user_id,item_id,timestamp\n${rows((id, i) => `u${i % 50},${id},${i}`)}\n`);
  const kinds = ["red shoes", "blue hat", "green tea"];
  await writeFile(items, `item_id,title,v\n${rows((id, i) => `${id},${kinds[i % 3]} ${i % 11},${i} 1`)}\n`);
  const args = ["import", "--interactions", log, "--items", items, "--images", images, "--out", data];
  expect((await command(args)).error).toBe("");
});
afterAll(() => rm(root, { recursive: true }));

test("texts, vectors and pictures are encoded and told of", async () => {
  const { out, error } = await command(["encode", "--data", data]);
  expect(error).toBe("");
  expect(out).toMatch(/^features "text": 200 items × \d+ · 200 encoded, 0 taken over, 0 without content · /);
  expect(out).toMatch(/effective rank \d+ of \d+ .* mean length, rare to popular items:/);
  expect(out).toMatch(/near (red|blue|green) /);
  const json = await command([
    "encode",
    "--data",
    data,
    "--text",
    "title",
    "--json",
    "--dim",
    "4",
    "--seed",
    "3",
  ]);
  expect(JSON.parse(json.out)).toMatchObject({
    data,
    tables: [
      { table: "text", dim: 4, encoded: 200, source: { columns: ["title"], options: { dim: 4, seed: 3 } } },
    ],
  });
  const both = await command([
    "encode",
    "--data",
    data,
    "--vectors",
    "v",
    "--image-encoder",
    encoder,
    "--json",
  ]);
  const { tables } = JSON.parse(both.out) as { tables: object[] };
  expect(tables).toMatchObject([
    { table: "v", dim: 2, encoded: 200 },
    { table: "image", dim: 12, encoded: 199, problems: [{ item: "i000" }] },
  ]);
  const shown = await command(["encode", "--data", data, "--images", "--image-encoder", encoder]);
  expect(shown.out).toMatch(
    /0 encoded, 199 taken over, 0 without content, 1 could not be encoded .*\n {2}item "i000": this is/,
  );
});

test("items without content are named, the first few, and texts that were cut are counted", () => {
  const missingItems = Array.from({ length: 100 }, (_, k) => `m${k}`);
  const counts = { items: 2000, encoded: 1, reused: 0, missing: 1234, missingItems, problems: [] };
  const report = { table: "text", dim: 2, ...counts, source: {}, seconds: 1 };
  expect(
    tableText({ ...report, cut: { texts: 3, tokens: 128 } })
      .split("\n")
      .slice(1),
  ).toEqual([
    '  without content: "m0", "m1", "m2", "m3", "m4" and 1,229 more',
    "  3 texts are longer than 128 tokens and were cut",
  ]);
  const few = { ...report, missing: 1, missingItems: ["m0"], cut: { texts: 1, tokens: 1024 } };
  expect(tableText(few).split("\n").slice(1)).toEqual([
    '  without content: "m0"',
    "  1 text is longer than 1,024 tokens and was cut",
  ]);
  const whole = { ...report, missing: 0, missingItems: [], cut: { texts: 0, tokens: 128 } };
  expect(tableText(whole)).not.toContain("\n");
});

test("wrong use is one sentence", async () => {
  const wrong = async (...args: string[]) => {
    const { code, error } = await command(["encode", "--data", data, ...args]);
    return `${code} ${error.trimEnd()}`;
  };
  expect(await wrong("--text", "titel")).toBe(
    '2 --text: the items have no column "titel"; the nearest is "title"; there are: title, v',
  );
  expect(await wrong("--images")).toMatch(/^2 images need an encoder/);
  expect(await wrong("--pooling", "cls")).toMatch(/^2 .* name one with --text-encoder$/);
  expect(await wrong("--image-encoder", encoder, "--pooling", "last")).toMatch(
    /^2 a picture has no last token/,
  );
  expect(await wrong("--pooling", "max")).toContain("Allowed choices are mean, cls, last");
  expect(await wrong("--image-size", "big")).toContain("it must look like 224x224");
  expect(await wrong("--image-normalization", "1,2")).toContain(
    "it must be one of signed, unit, imagenet, clip or",
  );
  expect(await wrong("--text-encoder", root)).toContain(
    "this is no text encoder: the folder has no readable tokenizer.json",
  );
});

test("a killed encoding goes on and gives the same table bit for bit", async () => {
  const table = join(data, "features", "image.safetensors");
  const args = [
    "encode",
    "--data",
    data,
    "--images",
    "--image-encoder",
    encoder,
    "--image-normalization",
    "unit",
  ];
  expect((await command(args)).code).toBe(0);
  const whole = await readFile(table);
  await rm(table);
  const main = join(packageRoot, "dist", "src", "cli", "main.js");
  const child = spawn(process.execPath, [main, ...args], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const partial = join(data, "features", ".image.partial");
  while (child.exitCode === null && (await stat(partial).catch(() => undefined)) === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  child.kill("SIGKILL");
  await ended;
  const { out } = await command([...args, "--json"]);
  expect(JSON.parse(out)).toMatchObject({ tables: [{ encoded: 199, reused: 0 }] });
  expect(await readFile(table)).toEqual(whole);
});
