/** @file A model as a source: histories become states, whose nearest item vectors an index finds. */
import { historyLength, type RecipeConfig } from "../models/config.ts";
import { stateStep } from "../models/steps.ts";
import type { Device } from "../runtime/device.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import { eachBit } from "./bits.ts";
import { buildIndex, type IndexOptions } from "./build-index.ts";
import { itemVectors } from "./item-vectors.ts";
import { historyFeeds } from "./model-scorer.ts";
import { openPrior, type Prior } from "./prior.ts";
import { type Histories, historyAt } from "./scorer.ts";
import type { Source } from "./source.ts";
import { createTopList, type Hits, scan } from "./top-list.ts";
import { acceptance, offer, type Question } from "./vector-index.ts";
import { createVectorTable, isLive, type VectorTable } from "./vector-table.ts";

export interface VectorSourceOptions extends IndexOptions {
  readonly config: RecipeConfig;
  /** Number of items. */
  readonly items: number;
  readonly params: Readonly<Record<string, Tensor>>;
  /** Where states are computed: on the calling thread, so that this belongs into a worker. */
  readonly runtime: Runtime;
  readonly device?: Device | undefined;
}

/** Histories of one call at most. */
const BATCH = 64;

/** Compiles the states of a model and builds the index of its items. */
export async function vectorSource(options: VectorSourceOptions): Promise<Source> {
  const { config, items, params, runtime, device, threads } = options;
  const states = stateStep(config, items);
  for (const [name, param] of states.params) param.data = params[name] ?? null;
  const program = await runtime.compile(states, { threads, device, params: "stored", shapes: "open" });
  const vectors = await itemVectors(options);
  const { similarity } = config.scoring;
  const dim = vectors.length / items;
  const table = createVectorTable({ dim, vectors, similarity });
  const { index, report } = await buildIndex(table, options);
  const prior = openPrior(config, items, params);

  /** [Q, D] */
  async function encode(histories: Histories): Promise<Float32Array> {
    const rows = [...new Set(histories.items)];
    const placeOf = new Map(rows.map((row, place) => [row, place]));
    const used = new Float32Array(rows.length * dim);
    rows.forEach((row, place) => {
      table.original(row, used, place * dim);
    });
    const local = { offsets: histories.offsets, items: histories.items.map((row) => placeOf.get(row)!) };
    const given = { data: used, shape: [rows.length, dim] };
    const outputs = await program.run({ ...historyFeeds(config, local), vectors: given });
    return outputs.states!.data as Float32Array;
  }

  /** The scores of all rows for history `q`; NaN where a row has no vector. */
  function allScores(given: Prior, histories: Histories, encoded: Float32Array, q: number): Float32Array {
    const scores = new Float32Array(table.size);
    for (let row = 0; row < scores.length; row++)
      scores[row] = isLive(table, row) ? table.dot(encoded, q * dim, row) : Number.NaN;
    given.add(historyAt(histories, q), scores);
    return scores;
  }

  return {
    items,
    maxLength: historyLength(config),
    batch: BATCH,
    report,
    dim,
    usable: (row) => isLive(table, row),
    async search(histories, questions) {
      const encoded = await encode(histories);
      if (!prior) return index.search(encoded, questions);
      return questions.map((question, q) => {
        const scores = allScores(prior, histories, encoded, q);
        const top = createTopList(Math.min(question.k, scores.length));
        scan(top, { scores, start: 0, end: scores.length, first: 0 }, acceptance(table, question));
        return top.hits();
      });
    },
    async scores(histories, rows) {
      const encoded = await encode(histories);
      if (prior)
        return Array.from({ length: histories.offsets.length - 1 }, (_, q) => {
          const scores = allScores(prior, histories, encoded, q);
          return Float32Array.from(rows, (row) => scores[row] ?? Number.NaN);
        });
      return Array.from({ length: histories.offsets.length - 1 }, (_, q) =>
        Float32Array.from(rows, (row) =>
          isLive(table, row) ? table.dot(encoded, q * dim, row) : Number.NaN,
        ),
      );
    },
    cosine: (a, b) => (isLive(table, a) && isLive(table, b) ? cosineOf(table, a, b) : null),
    async similar(row, question) {
      if (!isLive(table, row)) return createTopList(0).hits();
      if (similarity === "dot") return mostAlike(table, row, question);
      return (await index.search(table.ready(row).slice(), [question]))[0]!;
    },
    put(row, vector) {
      const removed = !isLive(table, row);
      if (vector) table.put(row, vector);
      else if (!removed || !table.restore(row)) return;
      index.put(row);
    },
    remove(row) {
      if (!isLive(table, row)) return;
      table.remove(row);
      index.remove(row);
    },
    async dispose() {
      await program.dispose();
      await index.dispose();
    },
  };
}

function cosineOf(table: VectorTable, a: number, b: number): number {
  const [x, y] = [table.ready(a), table.ready(b)];
  let [product, left, right] = [0, 0, 0];
  for (let c = 0; c < x.length; c++) {
    product += x[c]! * y[c]!;
    left += x[c]! * x[c]!;
    right += y[c]! * y[c]!;
  }
  return product / Math.max(1e-12, Math.sqrt(left * right));
}

/** The largest cosines, row by row: inner products of rows of different lengths do not order by them. */
function mostAlike(table: VectorTable, row: number, question: Question): Hits {
  const top = createTopList(Math.min(question.k, table.size));
  const accepts = acceptance(table, question);
  eachBit(table.live, table.live, (other) => {
    if (accepts(other)) offer(top, cosineOf(table, row, other), other);
  });
  return top.hits();
}
