/** @file What is kept of one run of a study: its JSON form, and whether it answers what is asked. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { canonical } from "../src/evaluation/protocol.ts";
import { type ModelConfig, resolveModelConfig } from "../src/models/config.ts";
import { SettingsSchema } from "./data-sets.ts";

const Metrics = z.record(z.string(), z.number());

export const RunRecord = z.strictObject({
  /** The row of the leaderboard, or the name of the search. */
  row: z.string(),
  recipe: z.string(),
  /** Settings that differ from the recipe's. */
  set: SettingsSchema,
  data: z.string(),
  seed: z.int(),
  /** Hash of the resolved configuration, without what does not bear on quality. */
  configuration: z.string(),
  /** The resolved configuration itself. */
  config: z.record(z.string(), z.unknown()),
  /** The data's fingerprint. */
  dataset: z.string(),
  /** The fingerprint of the test protocol; absent where a search does not look at the test part. */
  fingerprint: z.string().optional(),
  metrics: Metrics.optional(),
  popularity: Metrics.optional(),
  validation: Metrics,
  epochs: z.int(),
  bestEpoch: z.int(),
  /** Learned numbers; none for a baseline. */
  parameters: z.int().nullable(),
  /** Of training with its validations: on the clock, and of all cores together. */
  seconds: z.strictObject({ wall: z.number(), cpu: z.number() }),
  peakGigabytes: z.number(),
  threads: z.int(),
  machine: z.record(z.string(), z.unknown()),
  versions: z.record(z.string(), z.string()),
  commit: z.string(),
  date: z.string(),
  command: z.string(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** What decides a run's quality: all settings but the threads and the device. */
export function configurationHash(config: ModelConfig): string {
  const { threads: _, device: __, ...training } = config.training as Record<string, unknown>;
  return createHash("sha256")
    .update(canonical({ ...config, training }))
    .digest("hex")
    .slice(0, 12);
}

/**
 * The hash of a configuration that was written down earlier, read with today's settings: one that came since counts with
 * its default, which by rule leaves results as they are. Undefined where it can no longer be read.
 */
export function storedHash(config: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return configurationHash(resolveModelConfig(config));
  } catch {
    return undefined;
  }
}

/** What a run is asked to be. */
export interface Asked {
  readonly configuration: string;
  readonly data: string;
  readonly seed: number;
}

/** Whether a record is that of the asked run; `dataset` is the data's fingerprint, where it is known. */
export function answers(record: RunRecord, asked: Asked, dataset?: string): boolean {
  return (
    record.data === asked.data &&
    record.seed === asked.seed &&
    (dataset === undefined || record.dataset === dataset) &&
    storedHash(record.config) === asked.configuration
  );
}
