/** @file The service under load, case by case: every bar that it is held to, measured. */
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rounded } from "./machine.ts";
import {
  measureFuzz,
  measureOverload,
  measureReload,
  measureSoak,
  measureVisible,
} from "./serving-behaviour.ts";
import { type CaseOptions, type CaseResult, historyLength } from "./serving-case.ts";
import { type Catalogue, measureCatalogue } from "./serving-catalogue.ts";
import { measureFilters } from "./serving-filters.ts";
import { measureKill } from "./serving-kill.ts";
import { writeGeneratedRun } from "./serving-run.ts";

export interface ServingOptions {
  readonly onProgress?: (message: string) => void;
  /** The part of the full length of every measurement; 1 by default. */
  readonly scale?: number;
  /** Requests of the memory measurement. */
  readonly soak?: number;
  /** Names of the cases to measure; all by default. */
  readonly only?: readonly string[] | undefined;
  /** Where generated runs are kept for the next time; a temporary folder by default. */
  readonly runs?: string | undefined;
  /** What was measured before: cases that are not measured now stay. */
  readonly before?: { readonly cases?: Readonly<Record<string, unknown>> } | undefined;
  /** Told everything after each case. */
  readonly onCase?: (result: Record<string, unknown>) => Promise<void>;
}

const catalogue = (wanted: Catalogue) => (options: CaseOptions) => measureCatalogue(wanted, options);

/** In the order of the table of results. */
const cases: Readonly<Record<string, (options: CaseOptions) => Promise<CaseResult>>> = {
  "12k": catalogue({ items: 12_000, index: "exact", rate: 400, p99: 20, throughput: 800 }),
  "100k": catalogue({ items: 100_000, index: "exact", rate: 100 }),
  "1m-int8": catalogue({ items: 1_000_000, index: "int8", rate: 50, p99: 60, recall: 0.995, memory: 1.6 }),
  "1m-approximate": catalogue({
    items: 1_000_000,
    index: "approximate",
    rate: 200,
    p99: 30,
    recall: 0.95,
  }),
  visible: measureVisible,
  kill: measureKill,
  overload: measureOverload,
  reload: measureReload,
  fuzz: measureFuzz,
  filters: measureFilters,
  soak: measureSoak,
};

export const servingCases: readonly string[] = Object.keys(cases);

/** Everything that the service promises, measured; server and load share the machine. */
export async function benchServing(options: ServingOptions): Promise<Record<string, unknown>> {
  const { onProgress = () => {}, scale = 1, only = servingCases, before, onCase } = options;
  const folder = options.runs ?? (await mkdtemp(join(tmpdir(), "sequitur-serving-")));
  const measured: Record<string, unknown> = { ...before?.cases };
  const result = () => ({
    historyLength,
    cases: Object.fromEntries(
      servingCases.filter((name) => name in measured).map((name) => [name, measured[name]]),
    ),
  });
  try {
    for (const name of servingCases.filter((each) => only.includes(each))) {
      onProgress(`${name} …`);
      const began = performance.now();
      const found = await cases[name]!(caseOptions(folder, options, name));
      const seconds = rounded((performance.now() - began) / 1000);
      measured[name] = { date: new Date().toISOString().slice(0, 10), scale, seconds, ...found };
      for (const { what, bar, measured: got, kept } of found.bars)
        onProgress(`${name}: ${kept ? "kept" : "MISSED"}: ${what}: ${bar}: ${got}`);
      await onCase?.(result());
    }
    return result();
  } finally {
    if (options.runs === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function caseOptions(folder: string, options: ServingOptions, name: string): CaseOptions {
  const { onProgress = () => {}, scale = 1, soak = 1_000_000 } = options;
  const tell = (message: string): void => onProgress(`${name}: ${message}`);
  return {
    seconds: (full) => Math.max(2, Math.round(full * scale)),
    tries: (full) => Math.max(100, Math.round(full * scale)),
    soak: Math.round(soak * scale),
    onProgress: tell,
    async runOf(items) {
      const run = join(folder, `run-${items}`);
      const there = await access(join(run, "run.json")).then(
        () => true,
        () => false,
      );
      if (there) return run;
      tell(`writing a run of ${items} items`);
      await writeGeneratedRun(run, items);
      return run;
    },
  };
}
