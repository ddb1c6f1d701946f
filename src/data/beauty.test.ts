import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { emptyBatch, fillBatch, planEpoch } from "./batches.ts";
import { openDataset, readItems } from "./dataset.ts";
import { importInteractions } from "./import.ts";
import { leaveOneOut } from "./split.ts";

const beauty = resolve("..", "shared", "data", "amazon-beauty");
const present = existsSync(beauty);
const reason = present ? "" : " (skipped: ../shared/data is not there)";

test.skipIf(!present)(`Amazon Beauty: counts, and rows of 64 that are 95 % full${reason}`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "sequitur-beauty-"));
  const out = join(folder, "beauty");
  const sources = {
    interactions: join(beauty, "interactions.csv.gz"),
    items: join(beauty, "items.jsonl.gz"),
  };
  const { manifest } = await importInteractions({ ...sources, out });
  expect(manifest.counts).toEqual({ interactions: 198_502, users: 22_363, items: 12_101 });
  const dataset = await openDataset(out);
  expect(await readItems(dataset)).toHaveLength(12_101);
  const { training, test: cases } = leaveOneOut(dataset);
  expect(cases.users.length).toBe(22_363);
  const options = { rows: 64, width: 64, maxLength: 50, seed: 1, epoch: 0 };
  const batch = emptyBatch(options);
  for (let number = 0; number < 5; number++) {
    const epoch = planEpoch(training, { ...options, epoch: number });
    let tokens = 0;
    for (let step = 0; step < epoch.steps; step++) tokens += fillBatch(epoch, step, batch);
    expect(tokens).toBe(epoch.tokens);
    expect(epoch.utilisation).toBeGreaterThan(0.95);
  }
  await rm(folder, { recursive: true });
});
