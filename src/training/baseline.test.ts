import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importInteractions } from "../data/import.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { copyModel } from "../evaluation/export-model.ts";
import { openRun } from "../evaluation/run-folder.ts";
import { baselines } from "../models/baselines/index.ts";
import { openRecommender } from "../serving/open-recommender.ts";
import { openScorer } from "./open-scorer.ts";
import { train } from "./train.ts";

const cycle = 30;
let folder = "";
let data = "";

/** Item (i + 1) mod 30 always follows item i, one a day. */
async function importCycle(name: string, column: string): Promise<string> {
  const lines = [`user_id,item_id,${column}`];
  for (let user = 0; user < 60; user++)
    for (let k = 0; k < 8; k++) lines.push(`u${user},item ${(user * 7 + k) % cycle},${(k + 1) * 86_400}`);
  await writeFile(join(folder, `${name}.csv`), `${lines.join("\n")}\n`);
  await importInteractions({ interactions: join(folder, `${name}.csv`), out: join(folder, name) });
  return join(folder, name);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-baseline-"));
  data = await importCycle("timed", "timestamp");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a baseline", () => {
  it.each(baselines.map(({ name }) => name))("%s is fitted, evaluated and recommends", async (recipe) => {
    const out = join(folder, recipe);
    const result = await train({ data, out, recipe, set: [{ path: "training.threads", value: 1 }] });
    const evaluation = await evaluateRun({ run: out, openScorer });
    expect(evaluation.recipe).toBe(recipe);
    expect(evaluation.users).toBe(60);
    const recommender = await openRecommender({ run: out, openScorer, users: "required" });
    const { items, model } = await recommender.recommend({ history: ["item 4", "item 5"], k: 3 });
    expect(items).toHaveLength(3);
    expect(model.startsWith(`${recipe}@`)).toBe(true);
    await recommender.dispose();
    const again = await train({ data, out, recipe, resume: true });
    expect(again.seconds).toBe(result.seconds);
    if (recipe === "markov") {
      expect(items[0]!.id).toBe("item 6");
      expect(evaluation.metrics["HR@10"]).toBe(1);
    }
  });

  it("refuses settings of models, data without times and the export of a graph, in one sentence", async () => {
    const out = join(folder, "refused");
    const set = [{ path: "backbone.blocks", value: 1 }];
    await expect(train({ data, out, recipe: "markov", set })).rejects.toThrow(
      'a baseline has no setting "backbone"',
    );
    const untimed = await importCycle("untimed", "position");
    await expect(train({ data: untimed, out, recipe: "recent-popularity" })).rejects.toThrow(
      "recent-popularity needs the times of the interactions, but only their order is known",
    );
    expect(await readdir(folder)).not.toContain("refused");
    const run = await openRun(join(folder, "markov"));
    await expect(copyModel(run, join(folder, "model.onnx"))).rejects.toThrow(
      "markov is a baseline, which has no ONNX model",
    );
  });
});
