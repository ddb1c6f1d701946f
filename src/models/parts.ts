/** @file The one list of built-in parts. A new part is a file of its own and one entry here. */
import { bsarec } from "./backbones/bsarec.ts";
import { fmlp } from "./backbones/fmlp.ts";
import { gru4rec } from "./backbones/gru4rec.ts";
import { hstu } from "./backbones/hstu.ts";
import { ligr } from "./backbones/ligr.ts";
import { sasrec } from "./backbones/sasrec.ts";
import type { Backbone, ItemEncoder, Loss, Optimizer } from "./define.ts";
import { idTable } from "./items/id-table.ts";
import { binary } from "./losses/binary.ts";
import { bpr } from "./losses/bpr.ts";
import { crossEntropy } from "./losses/cross-entropy.ts";
import { firstRanks } from "./losses/first-ranks.ts";
import { generalisedBinary } from "./losses/gbce.ts";
import { noiseContrastive } from "./losses/nce.ts";
import { nearTarget } from "./losses/near-target.ts";
import { sampledSoftmax } from "./losses/sampled-softmax.ts";
import { scaledCrossEntropy } from "./losses/scaled.ts";
import { adam } from "./optimizers/adam.ts";

export const parts = {
  items: [idTable] as readonly ItemEncoder<never>[],
  backbone: [sasrec, gru4rec, hstu, ligr, fmlp, bsarec] as readonly Backbone<never>[],
  loss: [
    crossEntropy,
    sampledSoftmax,
    scaledCrossEntropy,
    binary,
    generalisedBinary,
    bpr,
    noiseContrastive,
    firstRanks,
    nearTarget,
  ] as readonly Loss<never>[],
  optimizer: [adam] as readonly Optimizer<never>[],
} as const;

export type PartKind = keyof typeof parts;
