import { describe, expect, it } from "vitest";
import { planEpoch } from "../data/batches.ts";
import { noContent } from "../models/items/content.ts";
import { recipeConfig } from "../models/recipes.ts";
import { itemStep, scoreStep } from "../models/steps.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { evaluateReference, toNdArray } from "../runtime/reference.ts";
import { ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import type { Tensor } from "../tensor/spec.ts";
import { createLearner } from "./learner.ts";
import { settled } from "./prepare.ts";

// A film of a genre is followed by any film of the next one. The last eight films are in no history.
const [films, cold, genres, dim] = [48, 8, 4, 8];
const genreOf = (film: number): number => film % genres;
const random = stream(7, "genres");
const sequence = Int32Array.from({ length: 60 * 8 }, (_, k) => {
  const choices = (films - cold) / genres;
  return random.below(choices) * genres + ((k + Math.floor(k / 8)) % genres);
});
const sequences = { offsets: Int32Array.from({ length: 61 }, (_, h) => 8 * h), sequence };
const content = {
  ...noContent(sequences, films),
  items: async () =>
    Array.from({ length: films }, (_, k) => ({
      id: String(k),
      fields: { genre: `g${genreOf(k)}`, kind: "film" },
    })),
};
const size = { rows: 4, width: 16 };
const plan = planEpoch(sequences, { ...size, maxLength: 8, seed: 1, epoch: 1 });

/** A model after so many passes, and the constants of its items. */
async function learned(recipe: string, passes: number, settings: Readonly<Record<string, unknown>>) {
  const asked = recipeConfig({
    recipe,
    set: Object.entries({
      "items.dim": dim,
      "training.maxLength": 8,
      "training.rowLength": size.width,
      "backbone.blocks": 1,
      "backbone.dropout": 0,
      "loss.negatives": films,
      ...settings,
    }).map(([path, value]) => ({ path, value })),
  });
  const config = (await settled(asked, content)) as typeof asked;
  const options = { config, items: films, sequences, content, rows: size.rows, seed: 3, threads: 1 };
  const learner = await createLearner({ ...options, runtime: nodeRuntime });
  const losses: number[] = [];
  for (let k = 0; k < passes * plan.steps; k++)
    losses.push((await learner.update(plan, k % plan.steps, 0.02)).loss);
  await learner.dispose();
  return { config, losses, params: { ...learner.constants, ...learner.evaluated() } };
}

const arrays = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, toNdArray(tensor)]));

/** Scores of all films after a history. */
function scoresAfter(
  { config, params }: Awaited<ReturnType<typeof learned>>,
  history: readonly number[],
): readonly number[] {
  const { vectors } = evaluateReference(itemStep(config, films).graph, arrays(params));
  const row = (of: (k: number) => number) =>
    ndarray([1, size.width], (k) => (k < history.length ? of(k) : 0));
  const feeds = {
    ...arrays(params),
    "items.vectors": vectors!,
    item: row((k) => history[k]!),
    segment: row(() => 1),
    position: row((k) => history.length - 1 - k),
    last: ndarray([1], history.length - 1),
  };
  const { scores } = evaluateReference(scoreStep(config, films), feeds, { R: 1, Q: 1 });
  return [...scores!.data];
}

describe("a model of attributes alone", async () => {
  const own = { "items.fields": ["genre"], "auxiliary.attributes.fields": ["genre"] };
  const model = await learned("m2trec", 24, own);

  it("scores films of one genre alike, the next genre highest, and films that it has never met", () => {
    const scores = scoresAfter(model, [0, 5, 10]);
    for (let film = genres; film < films; film++) expect(scores[film]).toBe(scores[film - genres]);
    const best = scores.indexOf(Math.max(...scores));
    expect(genreOf(best)).toBe(3);
    expect(scores[films - 1]).toBe(scores[best]);
  });

  it("learns the genres beside the films: to nearly nothing, where chance is ln 4", async () => {
    const alone = await learned("m2trec", 24, { ...own, "auxiliary.attributes.weight": 0 });
    const ahead = (k: number): number => model.losses.at(k)! - alone.losses.at(k)!;
    expect(ahead(0)).toBeCloseTo(Math.log(genres), 1);
    expect(ahead(-1)).toBeLessThan(0.2);
    expect(Object.keys(alone.params).filter((name) => name.startsWith("auxiliary."))).toEqual([]);
  });
});

describe("adaptive gates with a contrast of looks", () => {
  it.each(["sigmoid", "softmax"])(
    "by %s let through less of what all films share than of genres",
    async (gates) => {
      const { params, losses } = await learned("contrastive", 20, {
        items: { name: "attributes", dim, fields: ["genre", "kind"], gates },
        auxiliary: { contrast: { lost: 0.2 } },
      });
      expect(losses.at(-1)).toBeLessThan(losses[0]!);
      const [values, weight, bias] = ["values", "gates.weight", "gates.bias"].map(
        (name) => params[`items.${name}`]!.data as Float32Array,
      );
      // Vectors stand by field: one for a film without it, then the field's values.
      const vector = (row: number): number[] => [...values!.subarray(row * dim, (row + 1) * dim)];
      const means = [0, 0];
      for (let genre = 0; genre < genres; genre++) {
        const x = [...vector(1 + genre), ...vector(genres + 2)];
        const scores = [0, 1].map((m) => x.reduce((sum, v, k) => sum + v * weight![k * 2 + m]!, bias![m]!));
        scores.forEach((score, m) => {
          means[m]! +=
            (gates === "sigmoid" ? 1 / (1 + Math.exp(-score)) : Math.exp(score - Math.max(...scores))) /
            genres;
        });
      }
      expect(means[1]).toBeLessThan(means[0]!);
    },
  );
});
