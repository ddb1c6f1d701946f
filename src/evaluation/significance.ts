/** @file Whether runs of one protocol differ by more than chance, user by user. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type PairedTest, pairedTest } from "../metrics/paired.ts";
import { discount } from "../metrics/ranks.ts";
import { DataError } from "../tensor/errors.ts";
import { canonical } from "./protocol.ts";
import { evaluationFiles, type StoredEvaluation } from "./result.ts";
import { type RunManifest, readRunManifest } from "./run-folder.ts";

/** Runs of one configuration, which differ by their seeds. */
interface Method {
  readonly recipe: string;
  readonly runs: readonly string[];
}

/** One method against the first, by NDCG@10. */
export interface Significance extends PairedTest {
  readonly method: Method;
  readonly against: Method;
  /** The difference, as a share of the first method's mean; null where that is zero. */
  readonly relative: number | null;
}

interface EvaluatedRun {
  readonly run: string;
  readonly evaluation: StoredEvaluation;
}

/** What decides how good a run is, but for its seed. */
function configurationOf({ recipe, config }: RunManifest): string {
  const { threads: _, device: __, ...training } = (config.training ?? {}) as Record<string, unknown>;
  return canonical({ recipe, config: { ...config, training } });
}

/**
 * The methods after the first against it, in the order given: a user's value is the mean over a method's runs. The runs
 * are of one protocol.
 *
 * @throws DataError where a run's ranks are missing, altered or of other users
 */
export async function significanceOf(runs: readonly EvaluatedRun[]): Promise<readonly Significance[]> {
  const methods = new Map<string, string[]>();
  const recipes = new Map<string, string>();
  for (const { run, evaluation } of runs) {
    const key = configurationOf(await readRunManifest(run));
    methods.set(key, [...(methods.get(key) ?? []), run]);
    recipes.set(key, evaluation.recipe);
  }
  if (methods.size < 2) return [];
  const { protocol } = runs[0]!.evaluation;
  const { ranks: file } = evaluationFiles(protocol.part, protocol.seen);
  const first = await readRanks(join(runs[0]!.run, file));
  const measured = [];
  for (const [key, own] of methods) {
    const gains = await meanGains(
      own.map((run) => join(run, file)),
      first,
    );
    measured.push({ method: { recipe: recipes.get(key)!, runs: own }, gains });
  }
  const [against, ...others] = measured;
  const mean = against!.gains.reduce((total, gain) => total + gain, 0) / Math.max(1, first.ranks.length);
  return others.map(({ method, gains }) => {
    const test = pairedTest(gains, against!.gains);
    return { method, against: against!.method, ...test, relative: mean > 0 ? test.difference / mean : null };
  });
}

interface Ranks {
  /** User and target of each line, as written. */
  readonly cases: readonly string[];
  readonly ranks: Int32Array;
}

/** user,target,rank with the fields before the rank in quotes where RFC 4180 wants them. */
const line = /((?:"(?:[^"]|"")*"|[^",\r\n]*),(?:"(?:[^"]|"")*"|[^",\r\n]*)),(\d+)\r?\n/y;

async function readRanks(path: string): Promise<Ranks> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new DataError("missing-ranks", `${path}: the ranks of this run are missing; evaluate it again`);
  });
  const cases: string[] = [];
  const ranks: number[] = [];
  line.lastIndex = text.indexOf("\n") + 1;
  let end = line.lastIndex;
  for (let found = line.exec(text); found; found = line.exec(text)) {
    cases.push(found[1]!);
    ranks.push(Number(found[2]));
    end = line.lastIndex;
  }
  if (end === text.length && end > 0) return { cases, ranks: Int32Array.from(ranks) };
  const what = `${path}: line ${cases.length + 2} is not user,target,rank; the file was altered, evaluate the run again`;
  throw new DataError("altered-ranks", what);
}

/** NDCG@10 of each user, the mean over runs. */
async function meanGains(files: readonly string[], { cases }: Ranks): Promise<Float64Array> {
  const gains = new Float64Array(cases.length);
  for (const path of files) {
    const own = await readRanks(path);
    if (own.cases.length !== cases.length || own.cases.some((text, i) => text !== cases[i])) {
      const what = `${path}: these ranks are of other users or targets than those of the first run; evaluate both again`;
      throw new DataError("other-ranks", what);
    }
    for (const [i, rank] of own.ranks.entries()) gains[i]! += discount(rank, 10) / files.length;
  }
  return gains;
}

/** The tests as lines, for under a table. */
export function significanceText(tests: readonly Significance[]): string {
  return tests
    .map(({ method, against, difference, relative, p, flips, pairs }) => {
      const sign = difference < 0 ? "−" : "+";
      const share = relative === null ? "" : ` (${sign}${Math.abs(100 * relative).toFixed(1)} %)`;
      const chance = p < 1e-4 ? "p < 0.0001" : `p ${p.toPrecision(2)}`;
      const flipped = `${flips.toLocaleString("en-US")} sign flips over ${pairs.toLocaleString("en-US")} users`;
      return `${nameOf(method)} against ${nameOf(against)}: NDCG@10 ${sign}${Math.abs(difference).toFixed(4)}${share}, ${chance} (paired, two-sided, ${flipped})`;
    })
    .join("\n");
}

const nameOf = ({ recipe, runs }: Method): string =>
  runs.length === 1 ? `${runs[0]} (${recipe})` : `${runs.length} runs of ${recipe} (${runs[0]} …)`;
