/** @file Sets of rows, one bit each. */

/** Row `r` is in the set where bit `r & 31` of word `r >> 5` is 1; rows past the words are not. */
export type Bits = Uint32Array;

/** An empty set with room for `rows` rows. */
export const emptyBits = (rows: number): Bits => new Uint32Array(Math.ceil(rows / 32));

/** All of the first `rows` rows. */
export function fullBits(rows: number): Bits {
  const bits = emptyBits(rows).fill(0xffffffff);
  if (rows % 32 > 0) bits[bits.length - 1] = 2 ** (rows % 32) - 1;
  return bits;
}

export const hasBit = (bits: Bits, row: number): boolean =>
  ((bits[row >>> 5] ?? 0) & (1 << (row & 31))) !== 0;

export function setBit(bits: Bits, row: number, value: boolean): void {
  if (value) bits[row >>> 5]! |= 1 << (row & 31);
  else bits[row >>> 5]! &= ~(1 << (row & 31));
}

/** The same set, with room for at least `rows` rows; doubles where it must grow. */
export function grownBits(bits: Bits, rows: number): Bits {
  if (bits.length * 32 >= rows) return bits;
  const grown = emptyBits(Math.max(rows, bits.length * 64));
  grown.set(bits);
  return grown;
}

/** How many rows are in the set and in the other one, where that is given. */
export function countBits(bits: Bits, other?: Bits | null): number {
  const words = other ? Math.min(bits.length, other.length) : bits.length;
  let count = 0;
  for (let w = 0; w < words; w++) {
    let x = other ? bits[w]! & other[w]! : bits[w]!;
    x -= (x >>> 1) & 0x55555555;
    x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
    count += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

/** Calls with every row that is in both sets, in order. */
export function eachBit(bits: Bits, other: Bits, each: (row: number) => void): void {
  const words = Math.min(bits.length, other.length);
  for (let w = 0; w < words; w++) {
    for (let x = bits[w]! & other[w]!; x !== 0; x &= x - 1) each(w * 32 + 31 - Math.clz32(x & -x));
  }
}
