/** @file The tokenizer of a text encoder, and the file of its network. */

import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ConfigError, DataError } from "../tensor/errors.ts";

/** Texts as numbers of tokens. */
export interface Tokens {
  readonly rows: number[][];
  /** How many of the texts are longer than their row. */
  readonly cut: number;
}

/** Turns texts into numbers of tokens. */
export interface Tokenizer {
  /** What the encoder is called where the features' source is told. */
  readonly name: string;
  /** Changes with the tokenizer. */
  readonly hash: string;
  /** The token that fills up. */
  readonly pad: number;
  /** Tokens that a text of the model may have. */
  readonly mostTokens: number;
  /** The tokens of each text, cut to `most`. */
  tokens(texts: readonly string[], most: number): Tokens;
}

export type Transformers = typeof import("@huggingface/transformers");

/** Tokens a text may have where the model does not say. */
const MOST_TOKENS = 512;

/** The folder of that name, or undefined where there is none. */
export const folderOf = async (name: string): Promise<string | undefined> =>
  (await stat(name).catch(() => undefined))?.isDirectory() ? resolve(name) : undefined;

/** The tokenizer of a folder or of a model of the hub. @throws ConfigError, DataError where there is none */
export async function openTokenizer(name: string): Promise<Tokenizer> {
  const transformers = await loadTransformers();
  const folder = await folderOf(name);
  const tokenizer = await loadTokenizer(transformers, name, folder);
  const known = tokenizer.model_max_length as number | undefined;
  return {
    name: folder ? basename(folder) : name,
    hash: createHash("sha256").update(JSON.stringify(tokenizer._tokenizerJSON)).digest("hex"),
    pad: tokenizer.pad_token_id ?? 0,
    mostTokens: known !== undefined && known < 1e6 ? known : MOST_TOKENS,
    tokens(texts, most) {
      const read = texts.map((text) => text.slice(0, most * LONGEST_TOKEN));
      const [empty, ...whole] = tokenizer(["", ...read], { return_tensor: false as const })
        .input_ids as number[][];
      const cut = whole.filter((row, k) => row.length > most || read[k]!.length < texts[k]!.length);
      return { rows: whole.map((row) => shortened(row, empty!, most)), cut: cut.length };
    },
  };
}

/** Characters of a token that no text has more of on average: what is beyond need not be read. */
const LONGEST_TOKEN = 32;

/** Cut to `most` tokens, but with the special tokens at the end that an empty text has, such as [SEP]. */
function shortened(tokens: readonly number[], empty: readonly number[], most: number): number[] {
  const differs = empty.findIndex((token, at) => tokens[at] !== token);
  const ending = differs < 0 ? [] : empty.slice(differs);
  const kept = Math.max(0, most - ending.length);
  return tokens.length <= most ? [...tokens] : [...tokens.slice(0, kept), ...ending].slice(0, most);
}

/** The package of tokenizers and models. @throws ConfigError where it is not installed */
export async function loadTransformers(): Promise<Transformers> {
  try {
    return await import("@huggingface/transformers");
  } catch {
    const what =
      "text encoders other than the built-in one need the package @huggingface/transformers, which is not installed; run: npm install @huggingface/transformers";
    throw new ConfigError("no-transformers", what);
  }
}

export const notATextEncoder = (name: string, what: string): DataError =>
  new DataError("not-a-text-encoder", `${name}: this is no text encoder: ${what}`, { name });

export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

async function loadTokenizer({ AutoTokenizer }: Transformers, name: string, folder: string | undefined) {
  try {
    return await AutoTokenizer.from_pretrained(folder ?? name, { local_files_only: folder !== undefined });
  } catch (error) {
    if (folder)
      throw notATextEncoder(
        name,
        `the folder has no readable tokenizer.json and tokenizer_config.json (${reasonOf(error)})`,
      );
    const what = `text encoder "${name}": there is no such folder, and it could not be loaded from the hub (${reasonOf(error)}); give a folder with tokenizer.json and onnx/model.onnx`;
    throw new DataError("no-text-encoder", what, { name });
  }
}

/** The one ONNX file of a folder, or the one that is called model.onnx. @throws DataError */
export async function modelFile(name: string, folder: string): Promise<string> {
  const found: string[] = [];
  for (const below of [join(folder, "onnx"), folder]) {
    const files = await readdir(below).catch((): string[] => []);
    found.push(...files.filter((file) => file.endsWith(".onnx")).map((file) => join(below, file)));
  }
  const file =
    found.find((path) => basename(path) === "model.onnx") ?? (found.length === 1 ? found[0] : undefined);
  if (file !== undefined) return file;
  const what =
    found.length === 0 ? "the folder has no .onnx file" : "of its .onnx files none is called model.onnx";
  throw notATextEncoder(name, what);
}
