/** @file The one list of built-in parts. A new part is a file of its own and one entry here. */
import { attributesTerm } from "./auxiliary/attributes.ts";
import { contrast } from "./auxiliary/contrast.ts";
import type { Auxiliary } from "./auxiliary/define.ts";
import { bert4rec } from "./backbones/bert4rec.ts";
import { bsarec } from "./backbones/bsarec.ts";
import { fmlp } from "./backbones/fmlp.ts";
import { gru4rec } from "./backbones/gru4rec.ts";
import { hstu } from "./backbones/hstu.ts";
import { ligr } from "./backbones/ligr.ts";
import { sasrec } from "./backbones/sasrec.ts";
import type { Backbone, ItemEncoder, Loss, Optimizer, Task } from "./define.ts";
import { attributes } from "./items/attributes.ts";
import { features } from "./items/features.ts";
import { fusedItems } from "./items/fused.ts";
import { adaptive, adaptiveSoftmax } from "./items/fusions/adaptive.ts";
import { coAttention } from "./items/fusions/co-attention.ts";
import { concat } from "./items/fusions/concat.ts";
import { film } from "./items/fusions/film.ts";
import { gated } from "./items/fusions/gated.ts";
import { mergeAttention } from "./items/fusions/merge-attention.ts";
import { sequential } from "./items/fusions/sequential.ts";
import { sum } from "./items/fusions/sum.ts";
import { idTable } from "./items/id-table.ts";
import { iisan } from "./items/iisan.ts";
import { imageEncoder } from "./items/image-encoder.ts";
import { textEncoder } from "./items/text-encoder.ts";
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
import { cloze } from "./tasks/cloze.ts";
import { nextItem } from "./tasks/next-item.ts";

/** Ways to make one vector of an item out of several. */
export const fusions = [
  sum,
  concat,
  gated,
  film,
  adaptive,
  adaptiveSoftmax,
  coAttention,
  mergeAttention,
  sequential,
] as const;

/** Item encoders that are whole by themselves, or parts of a fused one. */
const itemParts = [
  idTable,
  features,
  attributes,
  textEncoder,
  imageEncoder,
  iisan,
] as readonly ItemEncoder<never>[];

export const parts = {
  items: [...itemParts, fusedItems(itemParts, fusions)] as readonly ItemEncoder<never>[],
  backbone: [sasrec, bert4rec, gru4rec, hstu, ligr, fmlp, bsarec] as readonly Backbone<never>[],
  task: [nextItem, cloze] as readonly Task<never>[],
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
  auxiliary: [attributesTerm, contrast] as readonly Auxiliary<never>[],
  optimizer: [adam] as readonly Optimizer<never>[],
} as const;

export type PartKind = keyof typeof parts;
