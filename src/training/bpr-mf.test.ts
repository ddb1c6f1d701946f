import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { importInteractions } from "../data/import.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { openScorer } from "./open-scorer.ts";
import { train } from "./train.ts";

const films = join(import.meta.dirname, "../../..", "data", "ml-latest-small", "interactions.csv.gz");

it("bpr-mf beats popularity on films, for test histories that are longer than those it was fitted to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sequitur-bpr-"));
  try {
    const [data, out] = [join(folder, "data"), join(folder, "run")];
    await importInteractions({ interactions: films, out: data });
    const settings = { "baseline.dim": 16, "baseline.epochs": 25 };
    const set = Object.entries(settings).map(([path, value]) => ({ path, value }));
    await train({ data, out, recipe: "bpr-mf", set });
    const { metrics, baselines } = await evaluateRun({ run: out, openScorer });
    expect(metrics["NDCG@10"]).toBeGreaterThan(1.1 * baselines.popularity!["NDCG@10"]!);
    expect(metrics["HR@10"]).toBeGreaterThan(1.1 * baselines.popularity!["HR@10"]!);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
