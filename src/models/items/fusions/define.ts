/** @file The kind of part that makes one vector of an item out of several. */
import type { Value } from "../../../graph/graph.ts";
import type { Params } from "../../../nn/params.ts";
import type { ItemVectors } from "../../define.ts";

export interface Fusion {
  /** Name in configurations. */
  readonly name: string;
  /** Paper or origin, and what differs from it. */
  readonly source: string;
  /** Whether the parts must be as wide as the result. */
  readonly sameWidth: boolean;
  /** Parts [N, D₁] … [N, Dₘ] in the order of the settings → [N, D]; rows do not mix. */
  apply(p: Params, parts: readonly ItemVectors[], dim: number): Value;
}

export const defineFusion = (fusion: Fusion): Fusion => Object.freeze(fusion);
