/** @file What can be said of the next item without a trained model, added to a model's scores. */
import type { Sequences } from "../data/sequences.ts";
import { markov } from "../models/baselines/markov.ts";
import type { RecipeConfig } from "../models/config.ts";
import type { ItemContent } from "../models/items/content.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import { nearContent } from "./near-content.ts";
import { type Near, neighbourLists } from "./neighbour-lists.ts";

export interface PriorTerm {
  /** Adds what is said after a history (oldest item first) to the scores of all rows, those too that came later. */
  add(history: Int32Array, scores: Float32Array): void;
  /** Tells what the content of a row that was put is near to. */
  put(row: number, near: Near): void;
}

export interface Prior extends PriorTerm {
  /** What is added, by its name: what counting says, and the neighbours by content. */
  readonly terms: Readonly<Partial<Record<"prior" | "neighbours", PriorTerm>>>;
}

type Tensors = Readonly<Record<string, Tensor>>;

const prefix = "prior.";
const nearPrefix = `${prefix}near.`;
const unseenName = `${prefix}unseen`;

const chain = { name: "markov", order: 2 } as const;

/** The parameters that belong to the prior. */
export const isPriorParam = (name: string): boolean => name.startsWith(prefix);

export interface PriorData {
  readonly sequences: Sequences;
  /** Number of items. */
  readonly count: number;
  readonly content: Pick<ItemContent, "features">;
  readonly runtime: Runtime;
  readonly threads: number;
}

/**
 * What a prior is made of, by name, to be kept among the weights of a run; nothing where the scoring has none.
 *
 * @throws DataError where the features of its neighbours are not there
 */
export async function fitPrior({ scoring }: RecipeConfig, data: PriorData): Promise<Record<string, Tensor>> {
  const fitted = { ...(await fitChain(scoring, data)), ...(await fitNear(scoring, data)) };
  return Object.keys(fitted).length === 0 ? {} : { ...fitted, [unseenName]: unseenRows(data) };
}

/** The rows that training never met. */
function unseenRows({ sequences, count }: PriorData): Tensor {
  const seen = new Set(sequences.sequence);
  const rows = Array.from({ length: count }, (_, row) => row).filter((row) => !seen.has(row));
  return { data: Int32Array.from(rows), shape: [rows.length] };
}

async function fitChain(
  { prior }: RecipeConfig["scoring"],
  data: PriorData,
): Promise<Record<string, Tensor>> {
  if (prior === "none") return {};
  const state = await markov.fit({ ...data, seed: 0 }, chain);
  return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [prefix + name, tensor]));
}

async function fitNear(
  { neighbourWeight, neighbourTable, neighbourCount }: RecipeConfig["scoring"],
  { count, content, runtime, threads }: PriorData,
): Promise<Record<string, Tensor>> {
  if (neighbourWeight === 0) return {};
  const most = Math.min(neighbourCount, Math.max(1, count - 1));
  const lists = await neighbourLists(await content.features(neighbourTable), { most, runtime, threads });
  return {
    [`${nearPrefix}rows`]: { data: lists.rows, shape: [count, most] },
    [`${nearPrefix}cosines`]: { data: lists.cosines, shape: [count, most] },
  };
}

/**
 * The prior of a model: score(x) = the model's score + w · log P(x | the last items), the log-linear combination of two
 * distributions, + v · the decayed cosines of x's content with that of the history. null where the scoring has neither.
 *
 * Source: logarithmic opinion pool (Genest & Zidek 1986, "Combining probability distributions"); the Markov chain with
 * back-off is that of the recipe `markov`; content neighbours see `nearContent`.
 */
export function openPrior(
  { scoring }: Pick<RecipeConfig, "scoring">,
  items: number,
  params: Tensors,
): Prior | null {
  const prior = openChain(scoring, items, params);
  const neighbours = openNear(scoring, items, params);
  const said = [prior, neighbours].filter((term) => term !== null);
  if (said.length === 0) return null;
  return {
    terms: { ...(prior && { prior }), ...(neighbours && { neighbours }) },
    add(history, scores) {
      for (const term of said) term.add(history, scores);
    },
    put(row, near) {
      for (const term of said) term.put(row, near);
    },
  };
}

function openChain(
  // Runs of before have no such settings.
  { prior = "none", priorWeight = 0 }: Partial<RecipeConfig["scoring"]>,
  items: number,
  params: Tensors,
): PriorTerm | null {
  if (prior === "none") return null;
  const unseen = unseenIn(params);
  const own = Object.entries(params).filter(([name]) => isPriorParam(name) && !name.startsWith(nearPrefix));
  const state = Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  const logProbabilities = markov.scorer(state, items, chain);
  const row = new Float32Array(items);
  return {
    add(history, scores) {
      logProbabilities(
        history.filter((item) => item < items),
        row,
      );
      // Counting says nothing of what it has never met: such a row is as likely as rows are on average.
      const usual = unseen.length > 0 || scores.length > items ? meanWithout(row, unseen) : 0;
      for (const x of unseen) row[x] = usual;
      for (let x = 0; x < items; x++) scores[x]! += priorWeight * row[x]!;
      for (let x = items; x < scores.length; x++) scores[x]! += priorWeight * usual;
    },
    put: () => {},
  };
}

/** The mean of all elements but some. */
function meanWithout(row: Float32Array, some: Int32Array): number {
  let total = 0;
  for (let x = 0; x < row.length; x++) total += row[x]!;
  for (const x of some) total -= row[x]!;
  return total / Math.max(1, row.length - some.length);
}

function openNear(
  { neighbourWeight = 0, neighbourDecay = 0, neighbourUnseen = 1 }: Partial<RecipeConfig["scoring"]>,
  items: number,
  params: Tensors,
): PriorTerm | null {
  if (neighbourWeight === 0) return null;
  const lists = {
    rows: params[`${nearPrefix}rows`]!.data as Int32Array,
    cosines: params[`${nearPrefix}cosines`]!.data as Float32Array,
  };
  const unseen = { rows: unseenIn(params), times: neighbourUnseen };
  return nearContent(lists, items, { weight: neighbourWeight, decay: neighbourDecay, unseen });
}

/** Runs of before do not say. */
const unseenIn = (params: Tensors): Int32Array =>
  (params[unseenName]?.data as Int32Array | undefined) ?? new Int32Array(0);
