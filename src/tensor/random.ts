/**
 * @file Counter-based random streams: every value is a pure function of (seed, path of names, counter), so a run can be
 * resumed at any step and no two purposes share numbers.
 *
 * The word at a counter is a keyed version of the 32-bit mixing function `triple32` (Wellons, "Hash function
 * prospector", 2018; bias 0.0208) over a Weyl sequence, with a second key added between its rounds and the input fed
 * forward (Davies–Meyer), so that a stream is not a permutation of the 32-bit numbers and two streams are not shifts
 * of one another. Not for cryptography. A stream repeats after 2³² words.
 */

import { ConfigError } from "./errors.ts";

const WEYL = 0x9e3779b9; // 2³² / golden ratio, odd: the counter's multiples visit every 32-bit number once
const INVERSE = 2 ** -32;

/** A place in a random stream; every drawing method moves its counter, and nothing else does. */
export interface Stream {
  /** The stream of the same seed whose path is this one's with more names or numbers after it, from its start. */
  at(...path: readonly (string | number)[]): Stream;
  /** The next 32 random bits, an integer in [0, 2³²). */
  word(): number;
  /** The next number in [0, 1), a multiple of 2⁻³². */
  uniform(): number;
  /** The next integer in [0, bound), without bias; the bound is an integer from 1 to 2³². */
  below(bound: number): number;
  /** The next number of the standard normal distribution (Box & Muller 1958). */
  normal(): number;
  /** Puts the values in random order in place (Fisher & Yates 1938) and returns them. */
  shuffle<T extends Shufflable>(values: T): T;
  /** Fills the array with numbers in [low, high). */
  fillUniform(values: Float32Array, low?: number, high?: number): Float32Array;
  /** Fills the array with normal numbers of the given standard deviation and mean 0. */
  fillNormal(values: Float32Array, deviation?: number): Float32Array;
  /**
   * Fills the array with 0 or the reciprocal of the keep probability, so that its mean is 1 (inverted dropout). The
   * probability is rounded to a multiple of 2⁻¹⁶, and the reciprocal is that of the rounded one.
   */
  fillDropoutMask(mask: Float32Array, keepProbability: number): Float32Array;
}

/** What can be put in random order: an array or a typed array of numbers. */
export type Shufflable = unknown[] | Int32Array | Uint32Array | Float32Array | Float64Array;

/** Mixes 32 bits so that each input bit changes each output bit with probability near one half (`triple32`). */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 17), 0xed5ad4bb);
  x = Math.imul(x ^ (x >>> 11), 0xac4c1b51);
  x = Math.imul(x ^ (x >>> 15), 0x31848bab);
  return x ^ (x >>> 14);
}

/** The word at a counter under a pair of keys, as a signed 32-bit integer. */
function wordAt(key0: number, key1: number, counter: number): number {
  const input = (Math.imul(counter, WEYL) + key0) | 0;
  let x = Math.imul(input ^ (input >>> 17), 0xed5ad4bb);
  x = (Math.imul(x ^ (x >>> 11), 0xac4c1b51) + key1) | 0;
  x = Math.imul(x ^ (x >>> 15), 0x31848bab);
  return ((x ^ (x >>> 14)) + input) | 0;
}

interface Keys {
  readonly key0: number;
  readonly key1: number;
}

function absorb({ key0, key1 }: Keys, word: number): Keys {
  const next = mix(key0 ^ word);
  return { key0: next, key1: mix(key1 + Math.imul(next, WEYL) + 0x632be5ab) };
}

function absorbNumber(keys: Keys, value: number): Keys {
  const bits = new Int32Array(new Float64Array([value]).buffer);
  return absorb(absorb(absorb(keys, 1), bits[0]!), bits[1]!);
}

function absorbName(keys: Keys, name: string): Keys {
  let next = absorb(absorb(keys, 2), name.length);
  for (let i = 0; i < name.length; i++) next = absorb(next, name.charCodeAt(i));
  return next;
}

function descend(keys: Keys, path: readonly (string | number)[]): Keys {
  return path.reduce<Keys>(
    (inner, part) => (typeof part === "number" ? absorbNumber(inner, part) : absorbName(inner, part)),
    keys,
  );
}

/**
 * The stream of a seed and a path of names and numbers, from its start; ConfigError where the seed is not an integer.
 *
 * @example stream(1, "dropout", step).fillDropoutMask(mask, 0.5)
 */
export function stream(seed: number, ...path: readonly (string | number)[]): Stream {
  if (!Number.isSafeInteger(seed))
    throw new ConfigError("bad-seed", `seed: ${seed} is not an integer`, { seed });
  return open(descend(absorbNumber({ key0: 0, key1: 0 }, seed), path));
}

function open(keys: Keys): Stream {
  const { key0, key1 } = keys;
  let counter = 0;
  const word = () => wordAt(key0, key1, counter++) >>> 0;
  const below = (bound: number) => {
    const end = 2 ** 32 - (2 ** 32 % bound); // words from here on would favour small results
    let drawn = word();
    while (drawn >= end) drawn = word();
    return drawn % bound;
  };
  return Object.freeze<Stream>({
    at: (...path) => open(descend(keys, path)),
    word,
    uniform: () => word() * INVERSE,
    below,
    normal: () => Math.sqrt(-2 * Math.log((word() + 1) * INVERSE)) * Math.cos(2 * Math.PI * INVERSE * word()),
    shuffle: (values) => shuffle(values, below),
    fillUniform(values, low = 0, high = 1) {
      const scale = (high - low) * 2 ** -24; // as many bits as a float32 holds, so that none rounds up to `high`
      for (let i = 0; i < values.length; i++) values[i] = low + (word() >>> 8) * scale;
      return values;
    },
    fillNormal(values, deviation = 1) {
      for (let i = 0; i < values.length; i += 2) {
        const radius = deviation * Math.sqrt(-2 * Math.log((word() + 1) * INVERSE));
        const angle = 2 * Math.PI * INVERSE * word();
        values[i] = radius * Math.cos(angle);
        if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
      }
      return values;
    },
    fillDropoutMask(mask, keepProbability) {
      counter += maskFrom(keys, counter, mask, keepProbability);
      return mask;
    },
  });
}

function shuffle<T extends Shufflable>(values: T, below: (bound: number) => number): T {
  const list = values as unknown[];
  for (let i = list.length - 1; i > 0; i--) {
    const j = below(i + 1);
    const held = list[i];
    list[i] = list[j];
    list[j] = held;
  }
  return values;
}

/** Fills a mask from sixteen bits an element, without branches, and returns the number of words used. */
function maskFrom({ key0, key1 }: Keys, start: number, mask: Float32Array, keepProbability: number): number {
  const threshold = Math.round(keepProbability * 65536);
  if (!(threshold >= 1 && threshold <= 65536)) {
    throw new ConfigError(
      "bad-probability",
      `keep probability: ${keepProbability} is not above 0 and at most 1`,
      {
        keepProbability,
      },
    );
  }
  const kept = new Int32Array(new Float32Array([65536 / threshold]).buffer)[0]!;
  const bits = new Int32Array(mask.buffer, mask.byteOffset, mask.length);
  const pairs = mask.length >>> 1;
  for (let i = 0; i < pairs; i++) {
    const drawn = wordAt(key0, key1, start + i);
    bits[2 * i] = kept & (((drawn & 0xffff) - threshold) >> 31);
    bits[2 * i + 1] = kept & (((drawn >>> 16) - threshold) >> 31);
  }
  if (mask.length & 1) {
    bits[mask.length - 1] = kept & (((wordAt(key0, key1, start + pairs) & 0xffff) - threshold) >> 31);
  }
  return (mask.length + 1) >>> 1;
}
