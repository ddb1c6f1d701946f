/** @file What lies beside a page that recommends by itself: its model, item vectors and items, and what they are. */
import type { RecipeConfig } from "../../models/config.ts";
import type { ItemFields } from "../../retrieval/attributes.ts";
import type { RowLayout } from "../../retrieval/history-rows.ts";
import type { DType } from "../../tensor/spec.ts";

/** The file that says what the others are; paths in it start at its folder. */
export const exportFile = "export.json";

export const exportKind = "sequitur-export";

/** Grows by one whenever an older page could not read what is written. */
export const EXPORT_FORMAT = 1;

export interface ExportManifest {
  readonly kind: typeof exportKind;
  readonly format: number;
  /** The name that a service gives the model, which every answer tells. */
  readonly model: string;
  readonly recipe: string;
  /** Fingerprint of the data that it was trained on. */
  readonly data: string;
  /** N */
  readonly items: number;
  /** D, the width of an item vector. */
  readonly dim: number;
  readonly scoring: RecipeConfig["scoring"];
  /** How many of the most recent items of a history the model uses. */
  readonly maxLength: number;
  readonly layout: RowLayout;
  /** The inputs of the model, which is a graph of `stateStep`. */
  readonly inputs: Readonly<Record<string, DType>>;
  readonly parts: {
    /** ONNX: histories and the vectors of their items in, states out. */
    readonly model: string;
    /** [N, D] float32, little-endian; where `scoring.output` is "separate", [N, 2D]: those of histories, and of scores. */
    readonly vectors: string;
    /** `ExportedItems` as JSON. */
    readonly items: string;
    /** What the prior counted, as safetensors; absent where the model has none. */
    readonly prior?: string;
  };
  /** Path → SHA-256 of every other file. */
  readonly files: Readonly<Record<string, string>>;
}

/** The items by columns, in the order of the item vectors. */
export interface ExportedItems {
  readonly ids: readonly string[];
  readonly titles: readonly (string | null)[];
  /** Training interactions. */
  readonly counts: readonly number[];
  /** Interactions in the last thirty days of the data; what is popular where the model knows nothing. */
  readonly recent: readonly number[];
  /** Texts longer than 256 letters are cut. */
  readonly fields: readonly ItemFields[];
  /** Paths of pictures; absent where they were not exported. */
  readonly pictures?: readonly (string | null)[];
}
