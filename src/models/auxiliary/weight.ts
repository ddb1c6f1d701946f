/** @file What auxiliary terms share: the setting that all have, and a mean over what counts. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { add, div, sum } from "../../graph/ops/index.ts";

export const weightOf = (usual: number) =>
  z.number().min(0).max(1000).default(usual).describe("what the term is multiplied by; 0 leaves it out");

/** x divided by the sum of weights, of which there may be none. */
export const perWeight = (x: Value, weights: Value): Value => div(x, add(sum(weights), 1e-12));
