/** @file The rows of the leaderboard, in order of priority, with what others published and the bars we set ourselves. */
import type { DataName, Settings } from "./data-sets.ts";

export interface Published {
  /** HR@10 and NDCG@10 on the test part, or a range of the latter, as written. */
  readonly hr?: string;
  readonly ndcg: string;
  readonly source: string;
}

export interface Row {
  /** Short name, for --only and for files. */
  readonly name: string;
  readonly title: string;
  readonly recipe: string;
  /** Settings that differ from the recipe's, everywhere and on single data sets. */
  readonly set?: Settings;
  readonly setOn?: Partial<Readonly<Record<DataName, Settings>>>;
  /** Data sets it is run on; all where absent. */
  readonly data?: readonly DataName[];
  /** Why it is run on no data set. */
  readonly without?: string;
  /** Where one is enough or more are wanted. */
  readonly seeds?: readonly number[];
  /** Data sets on which a seed takes longer than 20 minutes on two cores, so that it has one seed. */
  readonly oneSeed?: readonly DataName[];
  readonly published?: Partial<Readonly<Record<DataName, Published>>>;
  /** The mean NDCG@10 that is asked for: at least, or between. */
  readonly bars?: Partial<Readonly<Record<DataName, number | readonly [low: number, high: number]>>>;
}

const recBoard = "RecBoard, run logs, mean of 5 seeds";
const scaledPaper = "Xu et al. 2024, arXiv:2408.14238, run logs, mean of 5 seeds";
const otherEditions =
  "Klenitskiy & Vasilev 2023, arXiv:2309.07602, and Tikhonovich et al. 2025, arXiv:2508.06450; other editions of the data";

/** Seeds of a row where a seed takes no longer than 20 minutes. */
export const usualSeeds: readonly number[] = [0, 1, 2];

/** Long histories of few items: inner products and a start from noise did better there than on the others. */
const longHistories = {
  "scoring.similarity": "dot",
  "items.start": "noise",
  "backbone.heads": 2,
  "backbone.dropout": 0.2,
  "training.learningRate": 1e-3,
  "training.epochs": 50,
  "training.patience": 50,
} as const;

export const rows: readonly Row[] = [
  // The baselines take seconds, so they come first.
  { name: "popularity", title: "popularity", recipe: "popularity", seeds: [0] },
  {
    name: "recent-popularity",
    title: "popularity in a recent window",
    recipe: "recent-popularity",
    seeds: [0],
    without: "it needs the times of the interactions, and these data sets give their order only",
  },
  { name: "item-knn", title: "item-kNN with recency decay", recipe: "item-knn", seeds: [0] },
  { name: "markov", title: "Markov chain of order 2 with back-off", recipe: "markov", seeds: [0] },
  { name: "ease", title: "EASE", recipe: "ease", seeds: [0] },
  {
    name: "sasrec",
    title: "SASRec, full softmax",
    recipe: "sasrec",
    setOn: { "ml-1m": longHistories },
    oneSeed: ["ml-1m"],
    published: {
      "amazon-beauty": { hr: ".0986", ndcg: ".0597", source: scaledPaper },
      "ml-1m": { ndcg: ".1772–.1857", source: otherEditions },
    },
    bars: { "amazon-beauty": 0.0585, "ml-1m": 0.176 },
  },
  {
    name: "sasrec-bce",
    title: "SASRec, BCE with one negative",
    recipe: "sasrec-bce",
    oneSeed: ["ml-1m"],
    published: {
      "amazon-beauty": { hr: ".0668", ndcg: ".0354", source: recBoard },
      "amazon-sports": { hr: ".0373", ndcg: ".0200", source: recBoard },
      "ml-1m": { hr: ".2392", ndcg: ".1259", source: "gSASRec, README of the authors' code" },
    },
    bars: { "amazon-beauty": [0.033, 0.04] },
  },
  {
    name: "sasrec-sce",
    title: "SASRec, SCE",
    recipe: "sasrec-sce",
    oneSeed: ["ml-1m"],
    published: { "amazon-beauty": { ndcg: ".0587", source: scaledPaper } },
    bars: { "amazon-beauty": 0.0575 },
  },
  {
    name: "sasrec-sce-shared",
    title: "SASRec, SCE, with draws that the tokens of a step share",
    recipe: "sasrec-sce",
    set: { "loss.each": "step", "training.epochs": 20 },
    data: ["amazon-beauty"],
    published: { "amazon-beauty": { ndcg: ".0587", source: `own draws for each token: ${scaledPaper}` } },
  },
  {
    name: "sequitur-id",
    title: "best of ours, item ids only",
    recipe: "sequitur-id",
    setOn: { "ml-1m": { "backbone.name": "sasrec", ...longHistories, "scoring.priorWeight": 0.3 } },
    oneSeed: ["ml-1m"],
    published: {
      "amazon-beauty": { hr: ".1002", ndcg: ".0610", source: `best published, BSARec: ${recBoard}` },
      "amazon-sports": { hr: ".0603", ndcg: ".0348", source: `best published, BSARec: ${recBoard}` },
      "ml-1m": { ndcg: ".1857", source: `best without times, SASRec: ${otherEditions}` },
    },
    bars: { "amazon-beauty": 0.0615, "amazon-sports": 0.0348, "ml-1m": 0.182 },
  },
  {
    name: "sasrec-text",
    title: "best of ours, item ids and text",
    recipe: "sasrec-text",
    data: ["amazon-beauty", "amazon-scientific"],
    published: {
      "amazon-beauty": { hr: ".1002", ndcg: ".0610", source: `best published, BSARec: ${recBoard}` },
    },
    bars: { "amazon-beauty": 0.069 },
  },
  {
    name: "text-only",
    title: "the same without item ids",
    recipe: "sasrec-text",
    // A Markov chain knows items by their ids.
    set: { "items.parts.id": null, "scoring.prior": "none" },
    data: ["amazon-beauty", "amazon-scientific"],
    bars: { "amazon-beauty": 0.062 },
  },
  {
    name: "id-only",
    title: "the same without text",
    recipe: "sasrec-text",
    set: { "items.parts.text": null, "scoring.neighbourWeight": 0 },
    data: ["amazon-beauty", "amazon-scientific"],
  },
  {
    name: "bsarec",
    title: "BSARec",
    recipe: "bsarec",
    oneSeed: ["ml-1m"],
    published: {
      "amazon-beauty": { hr: ".1002", ndcg: ".0610", source: recBoard },
      "amazon-sports": { hr: ".0603", ndcg: ".0348", source: recBoard },
    },
    bars: { "amazon-beauty": 0.06 },
  },
  {
    name: "fmlp",
    title: "FMLP-Rec, full softmax",
    recipe: "fmlp",
    oneSeed: ["ml-1m"],
    published: { "amazon-beauty": { hr: ".0992", ndcg: ".0597", source: scaledPaper } },
    bars: { "amazon-beauty": 0.0585 },
  },
  {
    name: "bert4rec",
    title: "BERT4Rec",
    recipe: "bert4rec",
    oneSeed: ["ml-1m"],
    published: {
      "amazon-beauty": { hr: ".0730", ndcg: ".0406", source: recBoard },
      "amazon-sports": { hr: ".0397", ndcg: ".0214", source: recBoard },
    },
    bars: { "amazon-beauty": 0.0406 },
  },
  {
    name: "hstu",
    title: "HSTU, sampled softmax",
    recipe: "hstu",
    oneSeed: ["ml-1m"],
    published: {
      "amazon-beauty": { hr: ".0945", ndcg: ".0543", source: recBoard },
      "amazon-sports": { hr: ".0587", ndcg: ".0332", source: recBoard },
      "ml-1m": {
        hr: ".3097",
        ndcg: ".1720",
        source: "authors' code repository; with time bias, no validation part",
      },
    },
    bars: { "amazon-beauty": 0.0543 },
  },
  {
    name: "gru4rec",
    title: "GRU4Rec, full softmax",
    recipe: "gru4rec",
    oneSeed: ["ml-1m"],
    published: { "amazon-beauty": { hr: ".0691", ndcg: ".0397", source: scaledPaper } },
    bars: { "amazon-beauty": 0.039 },
  },
  {
    name: "esasrec",
    title: "eSASRec (LiGR block, sampled softmax)",
    recipe: "esasrec",
    oneSeed: ["ml-1m"],
  },
  {
    name: "sasrec-nce",
    title: "SASRec, NCE",
    recipe: "sasrec-bce",
    set: { "loss.name": "nce" },
    data: ["amazon-beauty"],
    published: { "amazon-beauty": { ndcg: ".0571", source: scaledPaper } },
  },
  {
    name: "sasrec-bpr",
    title: "SASRec, BPR with one negative",
    recipe: "sasrec-bce",
    set: { "loss.name": "bpr" },
    data: ["amazon-beauty"],
    published: { "amazon-beauty": { ndcg: ".0374", source: scaledPaper } },
  },
];
