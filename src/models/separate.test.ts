import { describe, expect, it } from "vitest";
import { emptyBatch, fillBatch, planEpoch } from "../data/batches.ts";
import { packForScoring } from "../retrieval/history-rows.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import { slopeError } from "../testing/check-parts.ts";
import type { RecipeConfig } from "./config.ts";
import { recipeConfig } from "./recipes.ts";
import { itemStep, scoreStep, stateStep, vectorStep } from "./steps.ts";
import { derivesItems } from "./trace.ts";
import { type TrainStep, trainStep } from "./train-step.ts";

type Arrays = Readonly<Record<string, NdArray>>;

const items = 11;
const offsets = Int32Array.of(0, 3, 4, 10, 12);
const sequence = Int32Array.of(1, 4, 2, 7, 0, 3, 9, 10, 5, 6, 8, 2);
const size = { items, rows: 2, width: 8 };

const configOf = (output: string, settings: Readonly<Record<string, unknown>>): RecipeConfig =>
  recipeConfig({
    set: Object.entries({
      "items.name": "id",
      ...settings,
      "scoring.output": output,
      "items.dim": 4,
      "training.maxLength": 6,
      "training.rowLength": 8,
      "backbone.heads": 2,
      "backbone.dropout": 0,
    }).map(([path, value]) => ({ path, value })),
  });

/** Noise by the name of each parameter, the constants among them. */
function noiseOf({ params: { graph } }: TrainStep): Arrays {
  const each = [...graph.params].map(([name, { value }]) => {
    const random = stream(4, name);
    return [name, ndarray(value.shape as number[], () => 0.5 * random.normal())] as const;
  });
  return Object.fromEntries(each);
}

/** The values of a separate model whose two sets of weights are those of a tied one. */
const doubled = (tied: Arrays): Arrays => {
  const own = Object.entries(tied).filter(([name]) => name.startsWith("items."));
  return { ...tied, ...Object.fromEntries(own.map(([name, x]) => [name.replace(/^items/, "output"), x])) };
};

function batchOf(step: TrainStep): Arrays {
  const batch = emptyBatch(size);
  fillBatch(planEpoch({ offsets, sequence }, { ...size, maxLength: 6, seed: 0, epoch: 1 }), 0, batch);
  const filled = Object.entries(batch).map(([name, data]) => [
    name,
    { data: Float64Array.from(data), shape: [2, 8] },
  ]);
  const drawn = {
    negatives: ndarray([5], (k) => (3 * k) % items),
    correction: ndarray([5], (k) => 0.1 * k),
  };
  const masks = [...step.graph.randoms.keys()].map((name) => [
    name,
    ndarray(step.graph.inputs.get(name)!.shape as number[], 1),
  ]);
  return { ...Object.fromEntries(filled), ...drawn, ...Object.fromEntries(masks) };
}

const fused = {
  "items.name": "fused",
  "items.parts": {
    id: { unseen: "none", start: "noise", dropout: 0.2 },
    text: { name: "features", columns: 3 },
  },
};
const all = { "training.updates": "all", "loss.name": "cross-entropy" };
const drawn = { "training.updates": "all", "loss.name": "sampled-softmax", "loss.negatives": 5 };

describe.each([
  ["ids", all],
  ["ids by rows", { ...drawn, "training.updates": "read" }],
  ["ids, cosine", { ...all, "scoring.similarity": "cosine" }],
  ["fused items", { ...fused, ...all }],
  ["fused items, rows", { ...fused, ...drawn }],
])("separate output vectors of %s", (_, settings) => {
  const [tied, separate] = ["tied", "separate"].map((output) => configOf(output, settings));
  // As many rows are fed as there are items, so that their numbers stay as they are.
  const [ours, theirs] = [trainStep(separate!, size), trainStep(tied!, size)];

  it("are a second set of weights and of constants, by names of their own", () => {
    const names = (step: TrainStep): string[] => [...step.params.graph.params.keys()].sort();
    const own = names(theirs).filter((name) => name.startsWith("items."));
    expect(names(ours)).toEqual(
      [...names(theirs), ...own.map((name) => name.replace(/^items/, "output"))].sort(),
    );
    expect(ours.fedRows === null).toBe(theirs.fedRows === null);
    expect([...(ours.fedRows?.tables ?? [])].filter((name) => name.startsWith("items."))).toEqual(
      theirs.fedRows?.tables ?? [],
    );
  });

  it("give the loss and the scores of the tied model where both sets are equal", () => {
    const values = noiseOf(theirs);
    const loss = (step: TrainStep, params: Arrays): number =>
      evaluateReference(step.graph, { ...params, ...batchOf(step) }).loss!.data[0]!;
    expect(loss(ours, doubled(values))).toBe(loss(theirs, values));
    expect(loss(ours, noiseOf(ours))).not.toBeCloseTo(loss(theirs, values), 3);
  });

  it("have gradients for both sets, which are the slope that differences show", () => {
    const values = { ...noiseOf(ours), ...batchOf(ours) };
    const given = evaluateReference(ours.graph, values);
    for (const scope of ["items", "output"]) {
      const own = Object.keys(given).filter((name) => new RegExp(`^(d|rows)/${scope}\\.`).test(name));
      expect(own.length).toBeGreaterThan(0);
      for (const name of own)
        expect(Math.max(...given[name]!.data.map(Math.abs)), name).toBeGreaterThan(1e-9);
    }
    for (const name of [...ours.graph.outputs.keys()]) if (name !== "loss") ours.graph.outputs.delete(name);
    expect(slopeError(ours.graph, values, "loss")).toBeLessThan(1e-7);
  });

  it("score the states of the other vectors, as the tied model does where both sets are equal", () => {
    const scored = (config: RecipeConfig, own: Arrays): NdArray =>
      evaluateReference(scoreStep(config, items), { ...own, ...histories }, { R, Q: 2 }).scores!;
    const values = noiseOf(ours);
    const kept = keptOf(separate!, values);
    const shown = scored(separate!, { ...values, "items.vectors": kept });
    const [input, output] = [columns(kept, 0), columns(kept, 4)];
    const bound = { R, Q: 2, V: items };
    const { states } = evaluateReference(
      stateStep(separate!, items),
      { ...values, ...histories, vectors: input },
      bound,
    );
    const { similarity } = separate!.scoring;
    for (let q = 0; q < 2; q++)
      for (let i = 0; i < items; i++) {
        const row = output.data.subarray(4 * i, 4 * i + 4);
        const product = row.reduce((sum, v, c) => sum + v * states!.data[4 * q + c]!, 0);
        const length = similarity === "dot" ? 1 : Math.hypot(...row);
        expect(shown.data[q * items + i]).toBeCloseTo(product / length, 8);
      }
    const one = noiseOf(theirs);
    const both = doubled(one);
    const equal = scored(separate!, { ...both, "items.vectors": keptOf(separate!, both) });
    expect(equal).toEqual(scored(tied!, { ...one, "items.vectors": keptOf(tied!, one) }));
  });
});

const { rows: R, ...packed } = packForScoring(
  { offsets: Int32Array.of(0, 2, 5), items: Int32Array.of(3, 1, 2, 2, 9) },
  8,
);
const histories: Arrays = Object.fromEntries(
  (["item", "position", "segment", "last"] as const).map((name) => [
    name,
    { data: Float64Array.from(packed[name]), shape: name === "last" ? [2] : [R, 8] },
  ]),
);

/** The vectors that a model keeps: [N, D] or [N, 2D]. */
const keptOf = (config: RecipeConfig, values: Arrays): NdArray =>
  evaluateReference(derivesItems(config) ? itemStep(config, items).graph : vectorStep(config, items), values)
    .vectors!;

const columns = ({ data }: NdArray, from: number): NdArray =>
  ndarray([items, 4], (at) => data[8 * Math.floor(at / 4) + from + (at % 4)]!);
