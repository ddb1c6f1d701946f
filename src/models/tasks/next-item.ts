/** @file Next item: every token of a history asks for the item that follows it. */
import { z } from "zod";
import { defineTask } from "../define.ts";

const config = z.strictObject({ name: z.literal("next-item").default("next-item") });

/**
 * All tokens of a history learn at once, each from those before it; a model is then asked by the history's last token.
 * It needs a backbone whose states depend on the past alone.
 */
export const nextItem = defineTask<z.infer<typeof config>>({
  name: "next-item",
  source: "the shifted sequence of autoregressive models, as in Kang & McAuley 2018, arXiv:1808.09781",
  config,
});
