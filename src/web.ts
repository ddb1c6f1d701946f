/** @file `sequitur/web`: the engine and the models for a browser. Nothing that is reached from here needs Node. */
export * from "./core.ts";
export type { RecipeConfig } from "./models/config.ts";
export { type Recipe, recipeConfig, recipes } from "./models/recipes.ts";
export { scoreStep, servingStep } from "./models/steps.ts";
export { type TrainStep, trainStep } from "./models/train-step.ts";
export { modelScorer } from "./retrieval/model-scorer.ts";
export { type WebDevice, type WebRuntimeOptions, webRuntime } from "./runtime/web.ts";
