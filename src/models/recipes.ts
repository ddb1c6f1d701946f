/** @file Named recipes: a published method as a choice of parts and their defaults, beside its source. */
import { ConfigError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import { baselines } from "./baselines/index.ts";
import { isBaseline, type ModelConfig, type RecipeConfig, resolveModelConfig, setPath } from "./config.ts";
import { contentRecipes } from "./content-recipes.ts";

export interface Recipe {
  readonly name: string;
  readonly source: string;
  readonly summary: string;
  /** Settings that differ from the parts' own defaults. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** What was found for sasrec and holds for the other backbones, too. */
const ours = {
  items: { name: "id", dim: 64, start: "co-occurrence" },
  loss: { name: "cross-entropy" },
  optimizer: { name: "adam", beta2: 0.98 },
  scoring: { similarity: "cosine", temperature: 0.07 },
  training: { learningRate: 5e-3, schedule: "cosine", batchTokens: 4096, epochs: 20, patience: 5 },
} as const;

export const recipes: readonly Recipe[] = [
  {
    name: "sasrec",
    source:
      "Kang & McAuley 2018, arXiv:1808.09781; full softmax as in Xu et al. 2024, arXiv:2408.14238; cosine scores and the co-occurrence start of the id table are ours",
    summary: "causal self-attention over the most recent items, full softmax over all items, item ids only",
    // Found on amazon-beauty by validation NDCG@10 (docs/results/notes.md); the same on every data set.
    config: { ...ours, backbone: { name: "sasrec", blocks: 2, heads: 1, dropout: 0.4 } },
  },
  {
    name: "bert4rec",
    source:
      "Sun et al. 2019, arXiv:1904.06690; ours are cosine scores, the co-occurrence start of the id table, the optimizer's settings, normalised inputs instead of sums, no layer before the items, and that a fifth of the histories hide their last item alone",
    summary: "self-attention over all of a history, trained to fill in items that are hidden",
    config: {
      ...ours,
      backbone: { name: "bert4rec", blocks: 2, heads: 2, dropout: 0.3, norm: "pre", head: "none" },
      task: { name: "cloze", share: 0.5, last: 0.2 },
      // A history predicts half of what it does in the next-item task, so there are more passes; what is hidden is noise, too.
      training: { ...ours.training, epochs: 30, patience: 30 },
    },
  },
  {
    name: "fmlp",
    source:
      "Zhou et al. 2022, arXiv:2202.13556; full softmax as in Xu et al. 2024, arXiv:2408.14238; causal filters, cosine scores and the co-occurrence start of the id table are ours",
    summary:
      "learned filters over the most recent items in the place of attention, full softmax over all items",
    config: { ...ours, backbone: { name: "fmlp", blocks: 2, dropout: 0.4 } },
  },
  {
    name: "bsarec",
    source:
      "Shin et al. 2024, arXiv:2312.10325; causal filters, cosine scores and the co-occurrence start of the id table are ours",
    summary:
      "causal self-attention beside a fixed split into slow and fast changes, full softmax over all items",
    config: { ...ours, backbone: { name: "bsarec", blocks: 2, heads: 1, dropout: 0.4 } },
  },
  {
    name: "sequitur-id",
    source:
      "BSARec (Shin et al. 2024, arXiv:2312.10325) as in the recipe bsarec, with a Markov chain (Witten & Bell 1991) as a prior; the combination is ours",
    summary: "our best by item ids alone: bsarec whose scores are joined with what counting says comes next",
    config: {
      ...ours,
      backbone: { name: "bsarec", blocks: 2, heads: 1, dropout: 0.4 },
      scoring: { ...ours.scoring, prior: "markov" },
    },
  },
  {
    name: "sasrec-bce",
    source: "Kang & McAuley 2018, arXiv:1808.09781, with its own loss; pre-norm blocks, packed rows",
    summary:
      "the same network as first published: inner products, one negative for each item, noise at the start",
    config: {
      items: { name: "id", dim: 64, start: "noise" },
      backbone: { name: "sasrec", blocks: 2, heads: 1, dropout: 0.5, scale: true },
      loss: { name: "bce", negatives: 1 },
      optimizer: { name: "adam", beta2: 0.98 },
      // Steps, rate and the scale of the items are about the authors'; their Adam changes the whole table, too. The rate
      // falls, so that the last epochs do not depend on which of them validation happens to like.
      training: {
        learningRate: 1e-3,
        schedule: "cosine",
        batchTokens: 1024,
        epochs: 60,
        patience: 60,
        updates: "all",
      },
    },
  },
  {
    name: "sasrec-sce",
    source: "Xu et al. 2024, arXiv:2408.14238: scaled cross-entropy with their K and alpha",
    summary: "causal self-attention with the scaled cross-entropy over 500 drawn items for each token",
    config: {
      ...ours,
      backbone: { name: "sasrec", blocks: 2, heads: 1, dropout: 0.4 },
      loss: { name: "sce", negatives: 500, alpha: 100 },
      // Drawn items make the validation waver while the rate is high; the best epochs are those of its end.
      training: { ...ours.training, epochs: 30, patience: 30, updates: "all" },
    },
  },
  {
    name: "gru4rec",
    source: "Hidasi et al. 2016, arXiv:1511.06939; full softmax as in Xu et al. 2024, arXiv:2408.14238",
    summary: "a recurrent network over the history, full softmax over all items",
    config: {
      ...ours,
      backbone: { name: "gru4rec", dropout: 0.4 },
    },
  },
  {
    name: "hstu",
    source: "Zhai et al. 2024, arXiv:2402.17152; without the time bias",
    summary: "pointwise attention without a softmax, sampled softmax over cosine scores",
    config: {
      ...ours,
      backbone: { name: "hstu", blocks: 2, heads: 1, dropout: 0.4 },
      loss: { name: "sampled-softmax", negatives: 2048 },
    },
  },
  {
    name: "esasrec",
    source: "Tikhonovich et al. 2025, arXiv:2508.06450",
    summary: "self-attention with gated residuals and SwiGLU, sampled softmax",
    config: {
      ...ours,
      backbone: { name: "ligr", blocks: 2, heads: 1, dropout: 0.4 },
      loss: { name: "sampled-softmax", negatives: 2048 },
    },
  },
  ...contentRecipes,
  ...baselines.map(({ name, source, summary }) => ({
    name,
    source,
    summary,
    config: { baseline: { name } },
  })),
];

export interface RecipeChoice {
  readonly recipe?: string;
  /** Settings in the place of the recipe's own. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Settings from a file. */
  readonly config?: unknown;
  /** Settings from the command line; they win. */
  readonly set?: readonly { readonly path: string; readonly value: unknown }[];
}

/** The full configuration of a model's recipe. @throws ConfigError for an unknown recipe or setting, or a baseline */
export function recipeConfig(choice: RecipeChoice): RecipeConfig {
  const config = modelConfig(choice);
  if (!isBaseline(config)) return config;
  throw new ConfigError("baseline", `recipe "${choice.recipe}" is a baseline, which has no graph of its own`);
}

/** The full configuration of a recipe with changes applied. @throws ConfigError for an unknown recipe or setting */
export function modelConfig({
  recipe: name = "sasrec",
  base: own,
  config = {},
  set = [],
}: RecipeChoice): ModelConfig {
  const recipe = recipes.find((r) => r.name === name);
  if (!recipe) {
    const known = recipes.map((r) => r.name);
    throw new ConfigError("unknown-recipe", `there is no recipe "${name}"${suggest(name, known)}`, { name });
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new ConfigError("config-type", "a configuration file must hold one JSON object of settings");
  }
  let merged: Record<string, unknown> = { ...(own ?? recipe.config) };
  for (const [key, value] of Object.entries(config)) {
    const base = merged[key];
    merged[key] =
      isObject(base) && isObject(value) && compatible(base, value) ? { ...base, ...value } : value;
  }
  for (const { path, value } of set) {
    const [kind, key] = path.split(".");
    // Naming another part drops the settings that belonged to the recipe's own.
    const current = merged[kind!];
    if (key === "name" && isObject(current) && current.name !== value) merged = { ...merged, [kind!]: {} };
    merged = setPath(merged, path, value);
  }
  return resolveModelConfig(merged);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const compatible = (a: Record<string, unknown>, b: Record<string, unknown>): boolean =>
  b.name === undefined || b.name === a.name;
