/** @file Two small encoders of real contents: most of a MobileNet for posters, and a transformer that has read film texts. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { textOf } from "../src/content/item-text.ts";
import { writeTinyEncoder } from "../src/content/tiny-encoder.fixture.ts";
import { openTokenizer } from "../src/content/tokenizer.ts";
import { textTransformer } from "../src/content/transformer.fixture.ts";
import type { Item } from "../src/data/dataset.ts";
import {
  type ModelProto,
  ModelProtoSchema,
  TensorShapeProto_DimensionSchema,
} from "../src/onnx/schema/onnx_pb.ts";
import { type Reading, readWords } from "./tpme-language.ts";
import type { Encoders } from "./tpme-models.ts";

/** Blocks of MobileNet after whose first the states are 512 wide: each ends in a convolution of 1 × 1 points. */
const [firstBlock, lastBlock] = [12, 22];

/**
 * MobileNet without its last two blocks, for pictures of any size: its states after the last six blocks are of one width,
 * which IISAN needs, and are called as exporters call layers.
 */
export function posterEncoder(mobilenet: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, mobilenet);
  const { node, input, output, initializer } = model.graph!;
  const end = node.findIndex(({ name }) => name === `conv${lastBlock}_relu6`);
  const [pool, flatten] = ["GlobalAveragePool", "Flatten"].map((type) =>
    node.find(({ opType }) => opType === type),
  );
  pool!.input[0] = `conv${lastBlock}_relu6`;
  const kept = [...node.slice(0, end + 1), pool!, flatten!];
  const named = new Map(kept.flatMap((each) => each.output.map((name) => [name, layerName(name)] as const)));
  for (const each of kept) {
    each.name = named.get(each.output[0]!)!;
    each.input = each.input.map((name) => named.get(name) ?? name);
    each.output = each.output.map((name) => named.get(name)!);
  }
  model.graph!.node = kept;
  const read = new Set(kept.flatMap((each) => each.input));
  model.graph!.initializer = initializer.filter(({ name }) => read.has(name));
  for (const [axis, name] of [
    [2, "height"],
    [3, "width"],
  ] as const)
    setSize(input[0]!, axis, name);
  setSize(output[0]!, 1, 512);
  return toBinary(ModelProtoSchema, model);
}

/** conv12_relu6 is what the layers start from; two convolutions with what follows each are a layer. */
function layerName(name: string): string {
  const number = Number(/^(?:conv|depthwise)(\d+)/.exec(name)?.[1] ?? 0);
  if (name === `conv${firstBlock}_relu6`) return `/embeddings/${name}`;
  return number > firstBlock ? `/layer.${Math.floor((number - firstBlock - 1) / 2)}/${name}` : name;
}

function setSize(
  port: NonNullable<ModelProto["graph"]>["input"][number],
  axis: number,
  size: string | number,
): void {
  const type = port.type!.value;
  if (type.case !== "tensorType") throw new Error(`${port.name} is no tensor`);
  type.value.shape!.dim[axis] = create(TensorShapeProto_DimensionSchema, {
    value:
      typeof size === "string"
        ? { case: "dimParam", value: size }
        : { case: "dimValue", value: BigInt(size) },
  });
}

const pointwise = Array.from({ length: lastBlock / 2 }, (_, k) => `conv${2 * k + 2}_w`);
const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/** The words that occur most in the texts, behind those that stand for something else. */
function wordsOf(texts: readonly string[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of text
      .normalize("NFD")
      .replace(/\p{Mn}/gu, "")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+|[^\p{L}\p{N}\s]/gu) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = [...counts]
    .filter(([, count]) => count > 1)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return [...special, ...known.slice(0, most - special.length).map(([word]) => word)];
}

export interface EncoderOptions {
  /** The file of MobileNet. */
  readonly mobilenet: string;
  readonly folder: string;
  readonly columns: readonly string[];
  /** What the text encoder reads to learn words. */
  readonly reading: readonly string[];
  readonly text: {
    readonly vocabulary: number;
    readonly width: number;
    readonly layers: number;
    readonly heads: number;
  };
  readonly learning: Omit<Reading, "model" | "rows" | "mask" | "frame">;
}

/** Makes the files of both encoders. */
export async function makeEncoders(items: readonly Item[], options: EncoderOptions) {
  const { mobilenet, folder, columns, reading, text: size, learning } = options;
  const image = join(folder, "posters.onnx");
  await writeFile(image, posterEncoder(await readFile(mobilenet)));
  const texts = items.map((item) => textOf(item, reading));
  const words = wordsOf(texts, size.vocabulary);
  const model = textTransformer({ ...size, vocabulary: words.length });
  const text = await writeTinyEncoder(join(folder, "words"), model, words);
  const { tokens } = await openTokenizer(text);
  const read = await readWords({
    ...learning,
    model,
    rows: tokens(texts, 4096).rows.map((row) => row.slice(1, -1)),
    mask: special.indexOf("[MASK]"),
    frame: [special.indexOf("[CLS]"), special.indexOf("[SEP]")],
  });
  await writeTinyEncoder(text, read.model, words);
  return {
    encoders: { text, columns, maxTokens: 16, image, targets: pointwise, after: pointwise } satisfies Omit<
      Encoders,
      "side"
    >,
    words: words.length,
    losses: read.losses,
  };
}
