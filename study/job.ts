/** @file One run of a study: a recipe with settings, on a data set, from a seed. */
import type { ModelConfig } from "../src/models/config.ts";
import { modelConfig, recipes } from "../src/models/recipes.ts";
import { ConfigError } from "../src/tensor/errors.ts";
import { type DataName, dataSets, type Settings } from "./data-sets.ts";
import { configurationHash } from "./record.ts";

export interface Job {
  /** Unlike that of any other run of the study; it names files. */
  readonly id: string;
  readonly row: string;
  readonly recipe: string;
  readonly set: Settings;
  readonly data: DataName;
  readonly seed: number;
  readonly configuration: string;
  /** Whether the test part is looked at. */
  readonly test: boolean;
  /** The command that runs this alone, without its threads. */
  readonly command: string;
}

export const hasRecipe = (name: string): boolean => recipes.some((recipe) => recipe.name === name);

/** The settings of a model on a data set: the data set's own, which a baseline has not, then the row's. */
export function settingsOn(recipe: string, data: DataName, ...own: readonly Settings[]): Settings {
  const trained = !("baseline" in (recipes.find(({ name }) => name === recipe)?.config ?? {}));
  return Object.assign({}, trained ? dataSets[data].set : {}, ...own);
}

export const settingList = (set: Settings): { path: string; value: Settings[string] }[] =>
  Object.entries(set).map(([path, value]) => ({ path, value }));

/** The configuration of a recipe with settings. @throws ConfigError */
export const configOf = (recipe: string, set: Settings): ModelConfig =>
  modelConfig({ recipe, set: settingList(set) });

/** The hash of the configuration of a recipe with settings. @throws ConfigError that says whose settings are wrong */
export function hashOf(where: string, recipe: string, set: Settings): string {
  try {
    return configurationHash(configOf(recipe, set));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.code, `${where}: ${error.message}`, error.fields);
  }
}
