/** @file A finished run over a generated catalogue of any size: its weights are drawn, not trained. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { sha256File, writeAtomic } from "../src/data/files.ts";
import { writeTensors } from "../src/data/tensors.ts";
import { RUN_FORMAT, runFiles, writeRunManifest } from "../src/evaluation/run-folder.ts";
import { recipeConfig } from "../src/models/recipes.ts";
import { scoreStep } from "../src/models/steps.ts";
import { stream } from "../src/tensor/random.ts";
import { knownShape, type Tensor } from "../src/tensor/spec.ts";

/** The id of an item by its place. */
export const itemId = (place: number): string => `item-${place}`;

/** The fields of an item by its place, of catalogues up to `mostWithFields` items. */
export const itemFields = (place: number): { genre: string; year: number; rare: boolean } => ({
  genre: `genre ${Math.floor(Math.sqrt(place % 144))}`,
  year: 1950 + ((place * 7) % 75),
  rare: place % 997 === 0,
});

const mostWithFields = 100_000;

/** Writes the default recipe's run folder for so many items. */
export async function writeGeneratedRun(directory: string, items: number, seed = 1): Promise<void> {
  await mkdir(directory, { recursive: true });
  const config = recipeConfig({ recipe: "sasrec" });
  const params: Record<string, Tensor> = {};
  for (const [name, { value }] of scoreStep(config, items).params) {
    const shape = knownShape(value.shape, name);
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (name.endsWith(".gain")) data.fill(1);
    else if (name.startsWith("items.")) fillClustered(data, shape[1]!, seed);
    else if (!name.endsWith(".bias")) stream(seed, "bench", name).fillNormal(data, 0.02);
    params[name] = { data, shape };
  }
  await writeTensors(join(directory, runFiles.weights), params);
  await writeAtomic(join(directory, runFiles.model), "not used by the service");
  const lines = (lineOf: (place: number) => unknown): string =>
    Array.from({ length: items }, (_, place) => `${JSON.stringify(lineOf(place))}\n`).join("");
  const item = (place: number) => ({
    id: itemId(place),
    title: `Item ${place}`,
    count: Math.ceil(items / (place + 1)),
  });
  await writeAtomic(join(directory, runFiles.items), lines(item));
  const names: string[] = [runFiles.weights, runFiles.model, runFiles.items];
  if (items <= mostWithFields) {
    await writeAtomic(join(directory, runFiles.fields), lines(itemFields));
    names.push(runFiles.fields);
  }
  const hashes = await Promise.all(names.map((name) => sha256File(join(directory, name))));
  await writeRunManifest(directory, {
    kind: "sequitur-run",
    format: RUN_FORMAT,
    recipe: "sasrec",
    config: config as never,
    seed,
    status: "finished",
    split: { kind: "leave-one-out" },
    dataset: { directory: "no-dataset", fingerprint: `generated-${items}`, items, users: 1 },
    files: Object.fromEntries(names.map((name, at) => [name, hashes[at]!])),
    seconds: { train: 0 },
    bestEpoch: 0,
  });
}

/** Vectors in clusters, whose later directions matter less, as those of trained items do: [N, D]. */
function fillClustered(data: Float32Array, width: number, seed: number): void {
  const items = data.length / width;
  const clusters = Math.ceil(Math.sqrt(items));
  const centres = new Float32Array(clusters * width);
  stream(seed, "bench", "centres").fillNormal(centres, 1);
  stream(seed, "bench", "items").fillNormal(data, 0.7);
  for (let item = 0; item < items; item++) {
    const centre = (item % clusters) * width;
    for (let d = 0; d < width; d++)
      data[item * width + d] = (data[item * width + d]! + centres[centre + d]!) / Math.sqrt(1 + d / 8);
  }
}
