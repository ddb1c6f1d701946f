/** @file Whether two methods differ on the same users: a paired randomisation test. */
import { stream } from "../tensor/random.ts";

export interface PairedOptions {
  /** Sign flips that are drawn; where there are no more than so many in all, every one is counted instead. */
  readonly flips?: number;
  readonly seed?: number;
}

export interface PairedTest {
  readonly pairs: number;
  /** Mean of a − b. */
  readonly difference: number;
  /** Probability of a mean at least as far from zero, were it chance which value is whose; two-sided. */
  readonly p: number;
  /** Sign flips behind p. */
  readonly flips: number;
}

/** Sums that differ by rounding alone count as equal. */
const tolerance = 1e-9;

/**
 * The sign-flip test of the differences aᵢ − bᵢ: how often their mean would be as far from zero if each had its sign by
 * the toss of a coin (Fisher 1935; for comparing rankings: Smucker, Allan & Carterette 2007, CIKM). Drawn flips count the
 * observed one too, so that p is never zero (Phipson & Smyth 2010); the same seed gives the same p. No pair: p is 1.
 */
export function pairedTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { flips = 10_000, seed = 0 }: PairedOptions = {},
): PairedTest {
  if (a.length !== b.length)
    throw new RangeError(`pairedTest: there are ${a.length} values beside ${b.length}; pairs are needed`);
  const all = Float64Array.from(a, (value, i) => value - b[i]!);
  // Whatever sign a zero has, it adds nothing.
  const differences = all.filter((difference) => difference !== 0);
  const sum = differences.reduce((total, d) => total + d, 0);
  const far = Math.abs(sum) - tolerance * differences.reduce((total, d) => total + Math.abs(d), 0);
  const difference = all.length === 0 ? 0 : sum / all.length;
  const every = 2 ** differences.length;
  const [count, hits] =
    every <= flips
      ? [every, countFar(every, far, (flip) => flippedSum(differences, (i) => (flip >> i) & 1))]
      : [flips + 1, 1 + countFar(flips, far, drawnSum(differences, seed))];
  return { pairs: all.length, difference, p: hits / count, flips: count };
}

function countFar(flips: number, far: number, sumOf: (flip: number) => number): number {
  let hits = 0;
  for (let flip = 0; flip < flips; flip++) if (Math.abs(sumOf(flip)) >= far) hits++;
  return hits;
}

function flippedSum(differences: Float64Array, bit: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < differences.length; i++) sum += bit(i) === 0 ? differences[i]! : -differences[i]!;
  return sum;
}

/** Sums with signs from random bits, 32 of each word. */
function drawnSum(differences: Float64Array, seed: number): () => number {
  const random = stream(seed, "paired");
  return () => {
    let word = 0;
    return flippedSum(differences, (i) => {
      if (i % 32 === 0) word = random.word();
      return (word >>> (i % 32)) & 1;
    });
  };
}
