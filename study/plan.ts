/** @file The leaderboard's queue: every run that the rows ask for, in order, and what cannot be run yet. */
import { ConfigError } from "../src/tensor/errors.ts";
import { suggest } from "../src/tensor/nearest.ts";
import { type DataName, dataName, dataNames } from "./data-sets.ts";
import { hashOf, hasRecipe, type Job, settingsOn } from "./job.ts";
import { type Row, usualSeeds } from "./rows.ts";

/** What of the queue is wanted; everything where absent. */
export interface Filter {
  readonly only?: readonly string[];
  readonly data?: readonly string[];
  readonly seeds?: readonly number[];
}

export interface Plan {
  readonly jobs: readonly Job[];
  /** Rows that are not run, and why. */
  readonly absent: readonly { readonly row: Row; readonly why: string }[];
}

/** The seeds of a row on a data set. */
export const seedsOf = (row: Row, data: DataName): readonly number[] =>
  row.oneSeed?.includes(data) ? [0] : (row.seeds ?? usualSeeds);

/** Why a row cannot be run, or undefined. */
export const hindrance = (row: Row): string | undefined =>
  row.without ?? (hasRecipe(row.recipe) ? undefined : `there is no recipe "${row.recipe}" yet`);

function jobOf(row: Row, data: DataName, seed: number): Job {
  const set = settingsOn(row.recipe, data, row.set ?? {}, row.setOn?.[data] ?? {});
  return {
    id: `leaderboard/${data}/${row.name}-${seed}`,
    row: row.name,
    recipe: row.recipe,
    set,
    data,
    seed,
    configuration: hashOf(`row "${row.name}"`, row.recipe, set),
    test: true,
    command: `npm run study -- leaderboard --only ${row.name} --data ${data} --seeds ${seed}`,
  };
}

/** All runs: data set by data set, first seeds of all rows before second ones. @throws ConfigError for an unknown name */
export function planOf(rows: readonly Row[], { only, data, seeds }: Filter = {}): Plan {
  const names = rows.map((row) => row.name);
  for (const name of only ?? []) {
    if (!names.includes(name))
      throw new ConfigError("unknown-row", `there is no row "${name}"${suggest(name, names)}`, { name });
  }
  const wanted = rows.filter((row) => only === undefined || only.includes(row.name));
  const sets = data === undefined ? dataNames : data.map(dataName);
  const absent = wanted.flatMap((row) => {
    const why = hindrance(row);
    return why === undefined ? [] : [{ row, why }];
  });
  const ready = wanted.filter((row) => hindrance(row) === undefined);
  const jobs = sets.flatMap((set) => {
    const here = ready.filter((row) => row.data?.includes(set) ?? true);
    const numbers = [...new Set(seeds ?? here.flatMap((row) => seedsOf(row, set)))];
    return numbers.flatMap((seed) =>
      here.filter((row) => (seeds ?? seedsOf(row, set)).includes(seed)).map((row) => jobOf(row, set, seed)),
    );
  });
  return { jobs, absent };
}
