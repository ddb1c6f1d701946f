/** @file CE-η: cross-entropy over the items whose scores come near the target's or exceed it. */
import { z } from "zod";
import { abs, mul, sub } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { softmaxOfReached } from "./reached.ts";

const config = z.strictObject({
  name: z.literal("ce-eta").default("ce-eta"),
  eta: z
    .number()
    .min(0)
    .default(0.7)
    .describe("how far below the target a score may be, in units of the target's"),
});

/** Mean by weight of −s⁺ + log Σ e^s over the target and all s ≥ s⁺ − η·|s⁺|, h [T, D] → []; the bound has no gradient. */
export const nearTarget = defineLoss<z.infer<typeof config>>({
  name: "ce-eta",
  source: "CE-η of Xu et al. 2024, arXiv:2402.06216",
  config,
  apply: (input, { eta }) => softmaxOfReached(input, (_, own) => sub(own, mul(abs(own), eta))),
});
