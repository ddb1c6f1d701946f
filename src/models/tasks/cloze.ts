/** @file Cloze: some items of a history are hidden, and asked for. */
import { z } from "zod";
import { defineTask } from "../define.ts";

const config = z.strictObject({
  name: z.literal("cloze").default("cloze"),
  share: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.2)
    .describe("share of the items of a history that are hidden; at least one is, and at least one is not"),
  last: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe("share of the histories of which the last item is hidden and no other"),
});

/**
 * A learned vector stands in the places of the hidden items, whose states ask for them; to ask a model what follows, a
 * hidden item is added after the history, which then has one item less than maxLength at most. Works for backbones that
 * see all of a history, and for those that see the past.
 *
 * Source: Sun et al., "BERT4Rec", CIKM 2019, arXiv:1904.06690, and Devlin et al. 2019, arXiv:1810.04805. Every hidden
 * item is replaced (the authors' released setting), drawn anew in each epoch instead of ten copies drawn beforehand; the
 * authors add one copy to those ten in which the last item alone is hidden, here a share of the histories. Of a history
 * longer than maxLength its most recent part is used, where theirs is cut into windows.
 */
export const cloze = defineTask<z.infer<typeof config>>({
  name: "cloze",
  source: "Sun et al. 2019, arXiv:1904.06690; hidden items drawn anew in each epoch",
  config,
  masking: ({ share, last }) => ({ share, last }),
});
