/** @file Texts through sentence encoders and language models. */

import type { Dataset, Item } from "../data/dataset.ts";
import type { FeatureHome, FeatureTable } from "../data/features.ts";
import type { Device } from "../runtime/device.ts";
import { contentKey } from "./content-key.ts";
import { encodeRows } from "./encode-rows.ts";
import { placeToRecord, requireSameEncoder } from "./encoder-place.ts";
import { textOf } from "./item-text.ts";
import { type LanguageModel, openLanguageModel } from "./language-model.ts";
import type { NewItemFeatures } from "./new-items.ts";
import type { Outcome } from "./partial.ts";
import { type Pooling, pool } from "./pooling.ts";
import type { OnProgress, TableReport } from "./report.ts";

export interface SentenceOptions {
  readonly table: string;
  readonly columns: readonly string[];
  /** A folder, or a name on the hub. */
  readonly encoder: string;
  readonly pooling?: Pooling | undefined;
  readonly maxTokens?: number | undefined;
  readonly hiddenStates: boolean;
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Texts that go through the model together. */
const BATCH = 32;

/** Encodes items' texts, field after field. @throws ConfigError, DataError where the model is no text encoder */
export async function encodeSentences(
  dataset: Dataset,
  items: readonly Item[],
  options: SentenceOptions,
): Promise<TableReport> {
  const { table, columns, encoder, pooling = "mean", onProgress } = options;
  const model = await openLanguageModel(encoder, options);
  try {
    const maxTokens = Math.min(options.maxTokens ?? model.mostTokens, model.mostTokens);
    const [probe] = model.tokens(["a"], maxTokens).rows;
    const layers = (await model.states([probe!.length > 0 ? probe! : [0]])).length; // also says what is wrong, at once
    const settings = { model: model.hash, pooling, maxTokens };
    const source = {
      encoder: model.name,
      columns,
      options: settings,
      ...(options.hiddenStates ? { layers } : {}),
    };
    const identity = JSON.stringify(source);
    const texts = items.map((item) => textOf(item, columns));
    const order = [...texts.keys()].filter((item) => texts[item] !== "");
    order.sort((a, b) => texts[a]!.length - texts[b]!.length || a - b);
    let cut = 0;
    const report = await encodeRows(dataset, {
      table,
      source: { ...source, at: await placeToRecord(dataset, encoder) },
      keys: texts.map((text) => (text === "" ? undefined : contentKey(identity, text))),
      order,
      batch: BATCH,
      async prepare(batch) {
        const own = batch.map((item) => texts[item]!);
        const tokens = model.tokens(own, maxTokens);
        cut += tokens.cut;
        return tokens.rows;
      },
      run: (tokens) => runBatch(model, tokens, pooling),
      onProgress,
    });
    return { ...report, cut: { texts: cut, tokens: maxTokens } };
  } finally {
    await model.dispose();
  }
}

/** The model of a table, for texts of new items. @throws DataError where it is not there or another one */
export async function reopenSentences(
  _dataset: FeatureHome,
  table: FeatureTable,
  { place, threads }: { readonly place: string; readonly threads?: number | undefined },
): Promise<NewItemFeatures> {
  const { columns, options, layers } = table.source as {
    readonly columns: readonly string[];
    readonly options: { readonly pooling: Pooling; readonly maxTokens: number };
    readonly layers?: number;
  };
  const model = await openLanguageModel(place, { threads, hiddenStates: layers !== undefined });
  try {
    requireSameEncoder(table, model.hash);
  } catch (error) {
    await model.dispose();
    throw error;
  }
  return {
    async encode(items) {
      const texts = items.map((item) => textOf(item, columns));
      const outcomes: Outcome[] = texts.map(() => `it has no text in ${columns.join(", ")}`);
      const filled = [...texts.keys()].filter((at) => texts[at] !== "");
      for (let from = 0; from < filled.length; from += BATCH) {
        const batch = filled.slice(from, from + BATCH);
        const own = batch.map((at) => texts[at]!);
        const { rows } = model.tokens(own, options.maxTokens);
        const made = await runBatch(model, rows, options.pooling);
        batch.forEach((at, k) => {
          outcomes[at] = made[k]!;
        });
      }
      return outcomes;
    },
    dispose: () => model.dispose(),
  };
}

/** A vector for each text: its pooled states, layer after layer. */
async function runBatch(
  model: LanguageModel,
  tokens: readonly number[][],
  pooling: Pooling,
): Promise<Outcome[]> {
  const filled = tokens.filter(({ length }) => length > 0);
  const lengths = filled.map(({ length }) => length);
  const layers = filled.length === 0 ? [] : await model.states(filled);
  const pooled = layers.map((states) => pool(states, lengths, pooling));
  let next = 0;
  return tokens.map(({ length }) => {
    if (length === 0) return "the model's tokenizer finds nothing in its text";
    const parts = pooled.map((vectors) => vectors[next]!);
    next++;
    const vector = Float32Array.from(parts.flatMap((part) => [...part]));
    return vector.every(Number.isFinite) ? vector : "the encoder gives no finite numbers for this text";
  });
}
