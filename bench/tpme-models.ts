/** @file Six ways to recommend by the same two encoders, as settings of recipes. */

/** How the encoders take part in training; in this order they are measured. */
export const ways = ["frozen", "full", "iisan-cached", "iisan-computed", "adapter", "lora"] as const;
export type Way = (typeof ways)[number];

/** What a way is called on the page. */
export const titles: Readonly<Record<Way, string>> = {
  frozen: "frozen features",
  full: "full fine-tuning",
  "iisan-cached": "IISAN, states cached",
  "iisan-computed": "IISAN, states computed in each step",
  adapter: "adapters",
  lora: "LoRA",
};

/** Where the encoders are, and how they are read. */
export interface Encoders {
  /** Folder of the text encoder. */
  readonly text: string;
  readonly columns: readonly string[];
  readonly maxTokens: number;
  /** ONNX file of the image encoder. */
  readonly image: string;
  /** Width and height of a picture. */
  readonly side: number;
  /** Of a network whose layers have other names than a transformer's: what LoRA changes, and what adapters go behind. */
  readonly targets?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
}

/** Feature tables of the last states and of those after every layer, made by `encode`. */
export const tables = {
  text: "last-text",
  image: "last-image",
  textLayers: "text-layers",
  imageLayers: "image-layers",
} as const;

/** Means over words, as `encode` makes them and as the networks are read in every way. */
const pooling = "mean";

function itemsOf(way: Way, encoders: Encoders): Record<string, unknown> {
  const { text, columns, maxTokens, image, side, targets, after } = encoders;
  const read = { columns, maxTokens };
  const size = { width: side, height: side };
  switch (way) {
    case "frozen": {
      const features = { name: "features", hidden: 0 };
      const parts = {
        text: { ...features, table: tables.text },
        image: { ...features, table: tables.image },
      };
      return { name: "fused", fusion: "concat", dim: 64, parts };
    }
    case "iisan-cached":
      return { name: "iisan", dim: 64 };
    case "iisan-computed":
      return {
        name: "iisan",
        dim: 64,
        cached: false,
        textEncoder: text,
        imageEncoder: image,
        textPooling: pooling,
        ...read,
        ...size,
      };
    default: {
      const trained = { mode: way, activation: "none" };
      const parts = {
        text: { name: "text-encoder", encoder: text, pooling, ...read, ...trained },
        image: {
          name: "image-encoder",
          encoder: image,
          ...size,
          ...trained,
          ...(targets && { targets }),
          ...(after && { after }),
        },
      };
      return { name: "fused", fusion: "concat", dim: 64, parts };
    }
  }
}

/** Settings of the recipe `iisan` that make it any of the ways; all but the items is the same. A step reads every item. */
export const configOf = (way: Way, encoders: Encoders): Record<string, unknown> => ({
  items: itemsOf(way, encoders),
  loss: { name: "cross-entropy" },
  scoring: { prior: "none" },
});
