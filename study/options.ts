/** @file The flags that the studies share. */
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError } from "../src/tensor/errors.ts";
import { suggest } from "../src/tensor/nearest.ts";

export const root = join(import.meta.dirname, "../..");

export interface StudyOptions {
  readonly work: string;
  readonly shared: string;
  readonly results: string;
  readonly threads: number;
  readonly list: boolean;
  readonly keep: boolean;
  readonly until?: number;
  readonly only?: readonly string[];
  readonly data?: readonly string[];
  readonly seeds?: readonly number[];
  readonly config?: string;
}

const text = { type: "string" } as const;
const flags = {
  work: text,
  shared: text,
  results: text,
  threads: text,
  until: text,
  minutes: text,
  only: text,
  data: text,
  seeds: text,
  config: text,
  list: { type: "boolean" },
  keep: { type: "boolean" },
} as const;

export const usage = `npm run study -- leaderboard [flags]   every row on every data set; writes docs/results/leaderboard/ and docs/leaderboard.md
npm run study -- search --config FILE [flags]   settings tried one by one; writes docs/results/search/
npm run study -- content [flags]       what texts are worth, with items removed; writes docs/results/content.json and docs/content.md
npm run study -- transfer [flags]      models of one data set on another; writes docs/results/transfer.json and docs/transfer.md

  --list             says what is there, what is missing and how long it would take, and runs nothing
  --only ROW,…       rows of the leaderboard, of content or of transfer
  --data NAME,…      data sets; the targets of transfer
  --seeds 0,1,2      seeds
  --threads N        threads of a training (default: the machine's cores)
  --until HH:MM      starts no run after this time (next day's where it is past)
  --minutes N        starts no run after so many minutes
  --work DIR         data sets, unfinished runs and locks (default: sequitur-study in the system's temporary folder)
  --shared DIR       the folder that holds data/NAME/interactions.csv.gz (default: ../shared)
  --results DIR      where records and pages go (default: docs)
  --keep             leaves the run folders of finished runs in DIR/runs
`;

function whole(name: string, value: string, least: number): number {
  if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= 2 ** 32 - 1) return Number(value);
  throw new ConfigError("flag", `--${name} takes a whole number from ${least} on, not "${value}"`, { name });
}

const listed = (value: string): string[] => value.split(",").map((part) => part.trim());

/** The next time the clock shows HH:MM. */
function clock(value: string, now: Date): number {
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(value) ?? [];
  if (hours === undefined)
    throw new ConfigError("flag", `--until takes a time such as 07:45, not "${value}"`, { value });
  const at = new Date(now);
  at.setHours(Number(hours), Number(minutes), 0, 0);
  if (at <= now) at.setDate(at.getDate() + 1);
  return at.getTime();
}

/** Reads the flags of a study. @throws ConfigError for an unknown one, naming the nearest, or a wrong value */
export function readOptions(args: readonly string[], now = new Date()): StudyOptions {
  for (const arg of args) {
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name !== undefined && !Object.hasOwn(flags, name))
      throw new ConfigError("unknown-flag", `there is no flag --${name}${suggest(name, Object.keys(flags))}`);
  }
  const values = parsed(args);
  const { until, minutes, only, data, seeds, config } = values;
  const end =
    until !== undefined
      ? clock(until, now)
      : minutes !== undefined
        ? now.getTime() + whole("minutes", minutes, 0) * 60_000
        : undefined;
  return {
    work: resolve(values.work ?? join(tmpdir(), "sequitur-study")),
    shared: resolve(values.shared ?? join(root, "..", "shared")),
    results: resolve(values.results ?? join(root, "docs")),
    threads: values.threads === undefined ? availableParallelism() : whole("threads", values.threads, 1),
    list: values.list === true,
    keep: values.keep === true,
    ...(end !== undefined && { until: end }),
    ...(only !== undefined && { only: listed(only) }),
    ...(data !== undefined && { data: listed(data) }),
    ...(seeds !== undefined && { seeds: listed(seeds).map((seed) => whole("seeds", seed, 0)) }),
    ...(config !== undefined && { config }),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags }).values;
  } catch (error) {
    throw new ConfigError("flag", (error as Error).message.split("\n")[0]!);
  }
}
