import { expect, it } from "vitest";
import { baselineOf } from "../models/baselines/index.ts";
import type { BaselineConfig } from "../models/config.ts";
import { resolveModelConfig } from "../models/config.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { stream } from "../tensor/random.ts";
import { baselineScorer } from "./baseline-scorer.ts";
import { packHistories } from "./histories.ts";

const count = 30;
const lists = Array.from({ length: 40 }, (_, u) => Array.from({ length: 6 }, (_, k) => (7 * u + k * k) % 29));
const sequences = {
  offsets: Int32Array.from({ length: 41 }, (_, u) => 6 * u),
  sequence: Int32Array.from(lists.flat()),
};

it.each(["bpr-mf", "markov"])("scores histories together as each alone: %s", async (name) => {
  const config = resolveModelConfig({ baseline: { name } }) as BaselineConfig;
  const part = baselineOf(name);
  const settings = config.baseline as never;
  const given = { sequences, count, seed: 1, runtime: nodeRuntime, threads: 1 };
  const state = await part.fit(given, settings);
  const scorer = await baselineScorer(config, { items: count, state, runtime: nodeRuntime, threads: 1 });
  const random = stream(2, "histories");
  const histories = Array.from({ length: 9 }, (_, q) =>
    Int32Array.from({ length: 1 + 3 * q }, () => random.below(count)),
  );
  const all = await scorer.score(
    packHistories(
      histories.map((rows) => ({ rows })),
      scorer.maxLength,
    ),
  );
  const one = part.scorer(state, count, settings);
  expect(all).toHaveLength(histories.length * count);
  for (const [q, history] of histories.entries()) {
    const alone = new Float32Array(count);
    one(history, alone);
    for (const [item, score] of alone.entries()) expect(all[q * count + item]).toBeCloseTo(score, 4);
  }
  await scorer.dispose();
});
