/** @file The texts of items as tokens of a text encoder, in a table with a row for each item. */

import type { Item } from "../data/dataset.ts";
import { textOf } from "./item-text.ts";
import { openTokenizer } from "./tokenizer.ts";

export interface TokenOptions {
  /** A folder with a tokenizer, or a model of the hub. */
  readonly encoder: string;
  readonly columns: readonly string[];
  /** The most tokens of a text. */
  readonly most: number;
  /** L, where it is not that of the longest text. */
  readonly width?: number;
}

export interface ItemTokens {
  /** L, by default the tokens of the longest text. */
  readonly width: number;
  /** int32 [N, L], filled up at the end. */
  readonly tokens: Int32Array;
  /** [N]: how many tokens each text has; 0 where there is none. */
  readonly lengths: Int32Array;
}

/** Texts that are cut into tokens together. */
const BATCH = 256;

/** The tokens of the items' texts. @throws ConfigError, DataError where there is no such tokenizer */
export async function itemTokens(
  items: readonly Item[],
  { encoder, columns, most, width: given }: TokenOptions,
): Promise<ItemTokens> {
  const tokenizer = await openTokenizer(encoder);
  const limit = Math.min(most, tokenizer.mostTokens);
  const texts = items.map((item) => textOf(item, columns));
  const rows: number[][] = [];
  for (let at = 0; at < texts.length; at += BATCH)
    rows.push(...tokenizer.tokens(texts.slice(at, at + BATCH), limit).rows);
  const lengths = Int32Array.from(rows, (row, item) => (texts[item] === "" ? 0 : row.length));
  const width = given ?? lengths.reduce((longest, length) => Math.max(longest, length), 1);
  const tokens = new Int32Array(items.length * width).fill(tokenizer.pad);
  for (const [item, row] of rows.entries()) if (lengths[item]! > 0) tokens.set(row, item * width);
  return { width, tokens, lengths };
}
