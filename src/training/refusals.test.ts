import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importInteractions } from "../data/import.ts";
import { train } from "./train.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-refusals-"));
  const lines = Array.from({ length: 60 }, (_, k) => `u${k % 10},i${(k * 7) % 20},${k}`);
  await writeFile(join(folder, "log.csv"), `user_id,item_id,position\n${lines.join("\n")}\n`);
  await importInteractions({ interactions: join(folder, "log.csv"), out: join(folder, "data") });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("settings that cannot be trained with", () => {
  it.each<readonly [settings: Record<string, unknown>, sentence: string]>([
    [{ "loss.name": "sce" }, "loss.negatives is 500, but there are only 20 items; set it to at most that"],
    [
      { "loss.name": "sampled-softmax" },
      "loss.negatives is 1024, but there are only 20 items; set it to at most that",
    ],
    [
      {
        "loss.name": "sampled-softmax",
        "loss.from": "targets",
        "loss.negatives": 12,
        "training.batchTokens": 16,
        "training.rowLength": 8,
        "training.maxLength": 8,
      },
      'loss.negatives is 12, but with loss.from "targets" a step may have 16 of them; set it to at least that',
    ],
    [{ "loss.name": "ce-n" }, "loss.first is 100, but there are only 20 items; set it to at most that"],
    [
      { "loss.name": "sce", "loss.negatives": 5, "loss.from": "batch", "loss.popularity": 0.75 },
      'setting "loss.popularity" cannot be 0.75: with loss.from "batch" nothing is drawn by it; set it to 0 or loss.from to "both"',
    ],
    [
      { "loss.name": "bpr", "loss.from": "both" },
      'setting "loss.negatives" cannot be its default: loss.from "both" needs at least 2, one from the catalogue and one from the batch',
    ],
    [
      { "backbone.name": "fmlp", "backbone.filter": "circular" },
      'backbone "fmlp" with these settings sees the items after each item, which training.targets "all" has it predict; set training.targets to "last"',
    ],
    [
      { "backbone.name": "bsarec", "training.targets": "last" },
      'training.targets "last" takes a backbone with padded rows; backbone "bsarec" learns from packed rows, where "all" costs less and tells no less',
    ],
  ])("are refused in one sentence before anything is written: %j", async (settings, sentence) => {
    const set = Object.entries(settings).map(([path, value]) => ({ path, value }));
    const out = join(folder, "run");
    await expect(train({ data: join(folder, "data"), out, set })).rejects.toThrow(
      new RegExp(`^${sentence.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`),
    );
    expect(await readdir(folder)).not.toContain("run");
  });
});
