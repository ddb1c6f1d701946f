/** @file The one list of built-in baselines. */
import { ConfigError } from "../../tensor/errors.ts";
import { suggest } from "../../tensor/nearest.ts";
import { bprMf } from "./bpr-mf.ts";
import type { Baseline } from "./define.ts";
import { ease } from "./ease.ts";
import { itemKnn } from "./item-knn.ts";
import { markov } from "./markov.ts";
import { popularity, recentPopularity } from "./popularity.ts";

export type { Baseline, BaselineState, FitInput } from "./define.ts";

export const baselines: readonly Baseline<never>[] = [
  popularity,
  recentPopularity,
  itemKnn,
  markov,
  ease,
  bprMf,
];

/** The baseline of that name. @throws ConfigError naming the nearest */
export function baselineOf(name: string): Baseline<never> {
  const found = baselines.find((b) => b.name === name);
  if (found) return found;
  const known = baselines.map((b) => b.name);
  throw new ConfigError("unknown-part", `baseline.name: there is no "${name}"${suggest(name, known)}`, {
    name,
  });
}
