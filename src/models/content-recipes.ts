/** @file Named recipes whose items are known by more than their ids. */
import type { Recipe } from "./recipes.ts";

/** What the recipes with content have in common; found on amazon-beauty by validation NDCG@10. */
const content = {
  backbone: { name: "sasrec", blocks: 2, heads: 1, dropout: 0.3 },
  loss: { name: "sampled-softmax", negatives: 1536, from: "targets" },
  optimizer: { name: "adam", beta2: 0.98 },
  scoring: { similarity: "cosine", temperature: 0.07, prior: "markov" },
  training: { learningRate: 2e-3, schedule: "cosine", batchTokens: 1024, epochs: 10, patience: 5 },
} as const;
/** What MoRec and those that follow it have in common. */
const endToEnd = {
  ...content,
  backbone: { name: "sasrec", blocks: 2, heads: 2, dropout: 0.1, norm: "post" },
  loss: { name: "sampled-softmax", negatives: 1024, from: "batch", leaveOut: "history" },
} as const;
/** Of recipes whose items are to be met cold: what counts ids would count nothing of them. */
const cosine = { similarity: "cosine", temperature: 0.07 } as const;
const contentId = { name: "id", unseen: "none" } as const;

export const contentRecipes: readonly Recipe[] = [
  {
    name: "sasrec-text",
    source:
      "SASRec (Kang & McAuley 2018, arXiv:1808.09781) over id + text vectors, frozen text features as in the two-stage variant of Yuan et al. 2023, arXiv:2303.13835; a Markov chain as a prior, as in sequitur-id, and neighbours by text; the defaults are ours",
    summary: "sasrec whose items are the sum of an id and a text vector, sampled softmax",
    config: {
      ...content,
      scoring: { ...content.scoring, neighbourWeight: 2, neighbourUnseen: 2 },
      items: { name: "fused", fusion: "sum", dim: 64, parts: { id: contentId, text: { name: "features" } } },
    },
  },
  {
    name: "sasrec-multimodal",
    source:
      "sasrec-text with image features beside the text, the sum of MMSR (Li et al. 2024, arXiv:2403.17372); the defaults are ours",
    summary: "sasrec whose items are the sum of an id, a text and an image vector, whichever the data has",
    config: {
      ...content,
      items: {
        name: "fused",
        fusion: "sum",
        dim: 64,
        parts: {
          id: contentId,
          text: { name: "features", optional: true },
          image: { name: "features", table: "image", optional: true },
        },
      },
    },
  },
  {
    name: "mmsr",
    source:
      "MMSR, Li et al. 2024, arXiv:2403.17372, with merge-attention, which is its own choice; frozen features of texts and pictures in the place of encoders whose top layers are tuned, cosine scores and the sampled softmax (theirs is the binary cross-entropy with one negative) are ours",
    summary:
      "items are their texts and pictures alone, without ids, which look at each other in a transformer layer",
    config: {
      ...content,
      backbone: { ...content.backbone, heads: 2, dropout: 0.1 },
      items: {
        name: "fused",
        fusion: "merge-attention",
        dim: 64,
        parts: { text: { name: "features" }, image: { name: "features", table: "image" } },
      },
      scoring: cosine,
    },
  },
  {
    name: "m2trec",
    source:
      "M2TRec, Shalaby et al. 2022, arXiv:2209.11824, reconstructed (it has no code); a causal transformer whose last state stands for the session, where theirs sees it whole and averages; cosine scores and the sampled softmax are ours",
    summary:
      "items are their attributes alone, without ids, and the attributes of the next item are predicted beside it",
    config: {
      ...content,
      items: { name: "attributes", dim: 64, words: ["title"] },
      scoring: cosine,
      auxiliary: { attributes: { weight: 1 } },
    },
  },
  {
    name: "contrastive",
    source:
      "contrastive cold start with adaptive feature weights, arXiv:2502.03664, reconstructed (it has no code); a sequence encoder in the place of user features, and the loss, are ours",
    summary:
      "id, attributes and text by gates that weigh them for each item; two looks at an item, each without some of its features, are to agree",
    config: {
      ...content,
      items: {
        name: "fused",
        fusion: "adaptive",
        dim: 64,
        parts: {
          // Half of the items of a step are met as cold ones would be.
          id: { ...contentId, dropout: 0.5 },
          attributes: { gates: "sigmoid", words: ["title"] },
          text: { name: "features", optional: true },
        },
      },
      scoring: cosine,
      auxiliary: { contrast: { weight: 0.1 } },
    },
  },
  {
    name: "morec",
    source:
      "MoRec, Yuan et al. 2023, arXiv:2303.13835, trained by the in-batch softmax of its successors (Ni et al. 2023, arXiv:2309.15379); cosine scores and the pace of the encoder are ours, and the GELU behind its linear map is left out",
    summary:
      "items are their texts through a pretrained encoder that is trained with the rest; set items.encoder, and items.mode for parts of it",
    config: { ...endToEnd, items: { name: "text-encoder", dim: 64, activation: "none" } },
  },
  {
    name: "iisan",
    source:
      "IISAN, Fu et al. 2024, arXiv:2404.02059; in-batch softmax as there, cosine scores and the learning rate are ours",
    summary:
      "items are made of the hidden states of a frozen text and a frozen image encoder by small side networks; the states are encoded once",
    config: { ...endToEnd, items: { name: "iisan", dim: 64 } },
  },
  {
    name: "iisan-versa",
    source:
      "IISAN-Versa, Fu et al. 2024, arXiv:2411.02992; in-batch softmax as there, cosine scores and the learning rate are ours",
    summary: "iisan for encoders of different depth and width, with narrow heads behind its towers",
    config: { ...endToEnd, items: { name: "iisan", dim: 64, heads: "narrow" } },
  },
];
