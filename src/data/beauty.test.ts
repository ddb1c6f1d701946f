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

test.skipIf(!present)(
  `Amazon Beauty: counts, 99 % full rows of 64, an epoch under 50 ms${reason}`,
  async () => {
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
    const times = [0, 1, 2, 3, 4].map((number) => {
      const start = performance.now();
      const epoch = planEpoch(training, { ...options, epoch: number });
      let tokens = 0;
      for (let step = 0; step < epoch.steps; step++) tokens += fillBatch(epoch, step, batch);
      expect(tokens).toBe(epoch.tokens);
      expect(epoch.packing.utilisation).toBeGreaterThan(0.95);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(50);
    await rm(folder, { recursive: true });
  },
);
