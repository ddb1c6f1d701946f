/** @file A folder with a language model of two layers, as an exporter would name its parts, for tests. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "../onnx/schema/onnx_pb.ts";

const [FLOAT, INT64] = [1, 7];
export const vocabulary = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "red",
  "blue",
  "shoe",
  "hat",
  "##s",
  "中",
  "文",
];
export const WIDTH = 4;

/** The embedding of token t: its own number at place t mod 4. */
export const embedding = (token: number): number[] =>
  Array.from({ length: WIDTH }, (_, place) => (place === token % WIDTH ? token : 0));

const node = (opType: string, input: string[], output: string) =>
  create(NodeProtoSchema, { opType, input, output: [output], name: output });

function port(name: string, elemType: number, sizes: string[]) {
  const dim = sizes.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: /^\d+$/.test(size)
        ? { case: "dimValue", value: BigInt(size) }
        : { case: "dimParam", value: size },
    }),
  );
  const shape = create(TensorShapeProtoSchema, { dim });
  const tensor = create(TypeProto_TensorSchema, { elemType, shape });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}

const floats = (name: string, dims: number[], values: number[]) =>
  create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: FLOAT, floatData: values });

/** x → 2 x → 4 x: each layer adds to its input the input itself. */
export function tinyModel(inputs: readonly string[] = ["input_ids", "attention_mask"]): Uint8Array {
  const one = Array.from({ length: WIDTH * WIDTH }, (_, i) => (i % (WIDTH + 1) === 0 ? 1 : 0));
  const embedded = "/embeddings/Gather_output_0";
  const [first, second] = ["/encoder/layer.0/Add_output_0", "/encoder/layer.1/Add_output_0"];
  const graph = create(GraphProtoSchema, {
    name: "tiny",
    input: inputs.map((name) => port(name, INT64, ["batch", "tokens"])),
    output: [port("last_hidden_state", FLOAT, ["batch", "tokens", String(WIDTH)])],
    initializer: [
      floats(
        "table",
        [vocabulary.length, WIDTH],
        vocabulary.flatMap((_, token) => embedding(token)),
      ),
      floats("weight", [WIDTH, WIDTH], one),
    ],
    node: [
      node("Gather", ["table", inputs[0]!], embedded),
      node("MatMul", [embedded, "weight"], "/encoder/layer.0/MatMul_output_0"),
      node("Add", [embedded, "/encoder/layer.0/MatMul_output_0"], first),
      node("MatMul", [first, "weight"], "/encoder/layer.1/MatMul_output_0"),
      node("Add", [first, "/encoder/layer.1/MatMul_output_0"], second),
      node("Identity", [second], "last_hidden_state"),
    ],
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: "", version: 17n })];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport }));
}

/** A tokenizer of words and their pieces, of which the first four are [PAD], [UNK], [CLS] and [SEP]. */
const tokenizerOf = (words: readonly string[]) => ({
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: words.slice(0, 4).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
      "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
    },
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(words.map((token, id) => [token, id])),
  },
});

/** Writes the folder and returns its path. */
export async function writeTinyEncoder(
  folder: string,
  model = tinyModel(),
  words: readonly string[] = vocabulary,
): Promise<string> {
  await mkdir(join(folder, "onnx"), { recursive: true });
  const settings = {
    tokenizer_class: "BertTokenizer",
    model_max_length: 16,
    pad_token: "[PAD]",
    unk_token: "[UNK]",
    cls_token: "[CLS]",
    sep_token: "[SEP]",
  };
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizerOf(words)));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(settings));
  await writeFile(
    join(folder, "config.json"),
    JSON.stringify({ model_type: "bert", architectures: ["BertModel"] }),
  );
  await writeFile(join(folder, "onnx", "model.onnx"), model);
  return folder;
}
