/** @file The public interface of the package. */

export { type EncodeOptions, encode } from "./content/encode.ts";
export { type EmbeddingHealth, embeddingHealth, rankMe } from "./content/health.ts";
export { type NewItemFeatures, openNewItemFeatures } from "./content/new-items.ts";
export { type Dataset, type Item, openDataset, readItems } from "./data/dataset.ts";
export { type FeatureTable, listFeatures, openFeatures, writeFeatures } from "./data/features.ts";
export { type ImportOptions, type ImportReport, importInteractions } from "./data/import.ts";
export { globalTime, leaveOneOut, type Split } from "./data/split.ts";
export { evaluateCases } from "./evaluation/cases.ts";
export { type EvaluateRunOptions, evaluateRun } from "./evaluation/evaluate-run.ts";
export { type OpenRun, openRun } from "./evaluation/run-folder.ts";
export { rankMetrics } from "./metrics/ranks.ts";
export { type RecipeConfig, resolveConfig } from "./models/config.ts";
export { defineBackbone, defineItemEncoder, defineLoss, defineOptimizer } from "./models/define.ts";
export { type Recipe, recipeConfig, recipes } from "./models/recipes.ts";
export type { Histories, Scorer } from "./retrieval/scorer.ts";
export { app } from "./serving/app.ts";
export {
  type ExportWebOptions,
  type ExportWebResult,
  exportWeb,
} from "./serving/browser/export-web.ts";
export { type Keys, parseKeys, readKeys } from "./serving/http/keys.ts";
export { openRecommender } from "./serving/open-recommender.ts";
export { type Recommendation, Recommender, type RecommendRequest } from "./serving/recommender.ts";
export { type RunningServer, type ServeOptions, serve } from "./serving/serve.ts";
export { Service, type ServiceOptions } from "./serving/service.ts";
export { openStore } from "./serving/state/open-store.ts";
export type { LiveEvent, LiveItem, Store } from "./serving/state/store.ts";
export { ConfigError, DataError, RuntimeFailure, ShapeError } from "./tensor/errors.ts";
export { openRetriever } from "./training/open-retriever.ts";
export { openScorer } from "./training/open-scorer.ts";
export { type TrainOptions, type TrainProgress, type TrainResult, train } from "./training/train.ts";
