/** @file How long a run will take, from those that have ended. */
import { type DataName, dataSets } from "./data-sets.ts";
import type { Job } from "./job.ts";
import type { RunRecord } from "./record.ts";

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;

const size = (data: string): number => dataSets[data as DataName]?.interactions ?? Number.NaN;

/** Seconds of the row on that data set, or of the row on others in proportion to their interactions; else unknown. */
export function estimatedSeconds(job: Job, records: readonly RunRecord[]): number | undefined {
  const own = records.filter((record) => record.row === job.row);
  const here = mean(own.filter((r) => r.data === job.data).map((r) => r.seconds.wall));
  return here ?? mean(own.map((r) => (r.seconds.wall * size(job.data)) / size(r.data)));
}

/** Seconds as a person says them. */
export const spoken = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
