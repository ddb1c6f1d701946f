/** @file TPME: time, parameters and memory of training as one number, and what the runs must show beside it. */

/** What a way of training costs. */
export interface Cost {
  /** Of an epoch. */
  readonly seconds: number;
  /** How many numbers are trained. */
  readonly parameters: number;
  /** Peak of the process. */
  readonly megabytes: number;
}

/** α of time, parameters and memory, as in the paper. */
export const shares = { seconds: 0.45, parameters: 0.1, megabytes: 0.45 } as const;

/** (x − min) / (max − min), and 0 where all are the same. */
function relative(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
}

/**
 * TPME of each way of training among those given, from 0 (the least in all three) to 1 (the most in all three). It is
 * relative: another way beside them changes the numbers of all.
 *
 * Source: IISAN, Fu et al. 2024, arXiv:2404.02059.
 */
export function tpme(costs: readonly Cost[]): number[] {
  const parts = (["seconds", "parameters", "megabytes"] as const).map((name) =>
    relative(costs.map((cost) => cost[name])).map((value) => shares[name] * value),
  );
  return costs.map((_, k) => parts.reduce((total, part) => total + part[k]!, 0));
}

export interface Bar {
  readonly what: string;
  readonly bar: string;
  readonly measured: string;
  readonly kept: boolean;
}

/** Cached states against training everything, and what the test of the same users says of their NDCG@10. */
export interface Compared {
  readonly cached: Cost;
  readonly full: Cost;
  /** Of NDCG@10, cached less full; p of a paired test over users. */
  readonly difference: number;
  readonly p: number;
}

/** Below this p, a difference is no noise. */
const noise = 0.05;

/** The bars of the project for cached side networks. */
export function barsOf({ cached, full, difference, p }: Compared): Bar[] {
  const [faster, smaller] = [full.seconds / cached.seconds, full.megabytes / cached.megabytes];
  const sign = difference < 0 ? "−" : "+";
  return [
    {
      what: "an epoch of IISAN with cached states against one that trains both encoders",
      bar: "≥ 10 × faster",
      measured: `${faster.toFixed(1)} ×`,
      kept: faster >= 10,
    },
    {
      what: "peak of memory, the same",
      bar: "≥ 5 × less",
      measured: `${smaller.toFixed(1)} ×`,
      kept: smaller >= 5,
    },
    {
      what: "NDCG@10 on test, the same",
      bar: "better, or no worse than noise",
      measured: `${sign}${Math.abs(difference).toFixed(4)}, p ${p.toPrecision(2)}`,
      kept: difference >= 0 || p > noise,
    },
  ];
}

/** The largest difference between losses epoch by epoch, relative to them. */
export const lossesApart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((loss, epoch) => Math.abs(loss - b[epoch]!) / Math.abs(loss)));
