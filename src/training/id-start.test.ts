import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../data/dataset.ts";
import { writeFeatures } from "../data/features.ts";
import { importInteractions } from "../data/import.ts";
import { readTensors } from "../data/tensors.ts";
import { stream } from "../tensor/random.ts";
import { train } from "./train.ts";

/** Features of 20 items in 6 columns, of which item 4 has none. */
const [count, columns, without] = [20, 6, 4];
const values = new Float32Array(count * columns);
let folder = "";
let data = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-id-start-"));
  data = join(folder, "data");
  const lines = Array.from({ length: 60 }, (_, k) => `u${k % 10},i${(7 * k) % count},${k}`);
  await writeFile(join(folder, "log.csv"), `user_id,item_id,timestamp\n${lines.join("\n")}\n`);
  await importInteractions({ interactions: join(folder, "log.csv"), out: data });
  stream(1, "features").fillNormal(values);
  for (let at = 0; at < values.length; at++) values[at] = values[at]! * (1 + (at % columns)) + 3;
  values.fill(0, without * columns, (without + 1) * columns);
  const present = Uint8Array.from({ length: count }, (_, item) => Number(item !== without));
  await writeFeatures(await openDataset(data), "text", { dim: columns, values, present, source: {} });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The table of ids of a model that was not trained. */
async function startOf(start: string, dim: number): Promise<Float32Array> {
  const out = join(folder, `${start}-${dim}`);
  const settings = { "items.start": start, "items.dim": dim, "training.epochs": 0, "training.threads": 1 };
  const set = Object.entries(settings).map(([path, value]) => ({ path, value }));
  await train({ data, out, recipe: "sasrec", set });
  const { tensors } = await readTensors(join(out, "weights.safetensors"));
  return tensors["items.id"]!.data as Float32Array;
}

/** [N][dim]: the leading columns over the items that have some, each of mean 0 and deviation 1; 0 beyond the last. */
function leading(dim: number): number[][] {
  const items = Array.from({ length: count }, (_, item) => item).filter((item) => item !== without);
  const own = Array.from({ length: dim }, (_, c) => {
    const column = items.map((item) => (c < columns ? values[item * columns + c]! : 0));
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length;
    return new Map(items.map((item, k) => [item, (column[k]! - mean) / Math.sqrt(variance || 1)]));
  });
  return Array.from({ length: count }, (_, item) => own.map((column) => column.get(item) ?? 0));
}

it.each([4, 8])(
  "ids of width %d start as the leading columns, of deviation .04, with half the noise",
  async (dim) => {
    const [started, noise] = [await startOf("features", dim), await startOf("noise", dim)];
    const scale = 0.04 / Math.sqrt(Math.min(1, columns / dim));
    for (const [item, row] of leading(dim).entries())
      for (const [c, value] of row.entries()) {
        const own = noise[item * dim + c]!;
        const expected = item === without ? own : own / 2 + scale * value;
        expect(started[item * dim + c]).toBeCloseTo(expected, 6);
      }
  },
);
