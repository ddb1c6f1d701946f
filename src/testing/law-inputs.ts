/** @file Random inputs of the law checkers, the same in every run. */
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";

export type Arrays = Record<string, NdArray>;

/** The stream that they are drawn from. */
export const random = stream(11, "laws");

/** Normal noise, by name. */
export const noise = (shape: readonly number[], name: string): NdArray => {
  const s = random.at(name);
  return ndarray(shape, () => s.normal());
};
