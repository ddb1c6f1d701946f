/** @file Small transformers for texts and pictures as ONNX files, with names as exporters give them. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Graph, type Value } from "../graph/graph.ts";
import {
  add,
  cast,
  constant,
  conv,
  gather,
  mul,
  layerNorm as normalize,
  reshape,
  sub,
  transpose,
  unsqueeze,
} from "../graph/ops/index.ts";
import { feedForward, layerNorm, noDropout, selfAttention } from "../nn/layers.ts";
import { Params } from "../nn/params.ts";
import { inspectOnnx } from "../onnx/inspect.ts";
import { readOnnx } from "../onnx/read.ts";
import { ModelProtoSchema } from "../onnx/schema/onnx_pb.ts";
import { writeOnnx } from "../onnx/write.ts";
import { f32, type TensorSpec } from "../tensor/spec.ts";
import { layerNames } from "./layer-names.ts";
import type { Network } from "./network.ts";

export interface TransformerSize {
  readonly width: number;
  readonly layers: number;
  readonly heads?: number;
  readonly seed?: number;
}

/** Deviation of the weights of matrices: states of different texts differ well. */
const deviation = 0.3;

/** BERT-like layers over states [B, L, D]; `mask` is added to the scores of attention. */
function layered(p: Params, x: Value, mask: Value, { layers, heads = 2, width }: TransformerSize): Value {
  const { graph } = p;
  let state = x;
  graph.labels.set("/embeddings/Add_output_0", state);
  for (let k = 0; k < layers; k++) {
    const at = p.at(`encoder.layer.${k}`);
    const attended = selfAttention(at.at("attention"), state, { heads, mask, dropout: noDropout, name: "" });
    graph.labels.set(`/encoder/layer.${k}/attention/output/Add_output_0`, attended);
    const middle = layerNorm(at.at("attention.LayerNorm"), add(attended, state), 1e-5);
    const options = { hidden: 2 * width, activation: "gelu", dropout: noDropout, name: "" } as const;
    const fed = feedForward(at.at("output"), middle, options);
    graph.labels.set(`/encoder/layer.${k}/output/Add_output_0`, fed);
    state = layerNorm(at.at("output.LayerNorm"), add(fed, middle), 1e-5);
    graph.labels.set(`/encoder/layer.${k}/output/LayerNorm_output_0`, state);
  }
  return state;
}

/** The file, with weights from a seed. */
function written(p: Params, { seed = 1, layers }: TransformerSize): Uint8Array {
  const tensors = p.initialize(seed);
  for (const [name, param] of p.graph.params) {
    const { data, shape } = tensors[name]!;
    if (!/LayerNorm|bias/.test(name))
      for (const [i, v] of (data as Float32Array).entries()) data[i] = (v / 0.02) * deviation;
    param.data = { data, shape };
  }
  const model = fromBinary(ModelProtoSchema, writeOnnx(p.graph));
  const last = model.graph!.node.find(({ output }) => output.includes("last_hidden_state"))!;
  last.name = `/encoder/layer.${layers - 1}/output/LayerNorm`; // as exporters do; outputs lose such names
  return toBinary(ModelProtoSchema, model);
}

const i64 = (...shape: string[]): TensorSpec => ({ dtype: "int64", shape });

/** input_ids, attention_mask int64 [batch, tokens] → last_hidden_state [batch, tokens, width]. */
export function textTransformer({
  vocabulary,
  ...size
}: TransformerSize & { readonly vocabulary: number }): Uint8Array {
  const graph = new Graph();
  const p = new Params(graph);
  const ids = graph.input("input_ids", i64("batch", "tokens"));
  const real = cast(graph.input("attention_mask", i64("batch", "tokens")), "float32");
  const mask = unsqueeze(unsqueeze(mul(sub(real, 1), 1e9), 1), 1);
  const embedded = gather(p.weight("embeddings.word", [vocabulary, size.width]), ids);
  graph.output("last_hidden_state", layered(p, embedded, mask, size));
  return written(p, size);
}

/** pixels [batch, 3, side, side] in patches → last_hidden_state [batch, patches, width]. */
export function imageTransformer({
  side,
  patch,
  ...size
}: TransformerSize & { readonly side: number; readonly patch: number }): Uint8Array {
  const graph = new Graph();
  const p = new Params(graph);
  const pixels = graph.input("pixels", f32("batch", 3, side, side));
  const kernel = p.weight("embeddings.patch", [size.width, 3, patch, patch]);
  const maps = conv(pixels, kernel, { strides: [patch, patch] });
  const places = (side / patch) ** 2;
  const tokens = transpose(reshape(maps, ["batch", size.width, places]), [0, 2, 1]);
  const embedded = add(tokens, p.weight("embeddings.position", [1, places, size.width]));
  const gain = p.weight("embeddings.LayerNorm.gain", [size.width], { constant: 1 });
  const x = normalize(embedded, gain, p.bias("embeddings.LayerNorm.bias", size.width), 1e-5);
  const mask = constant(graph, "float32", [1, 1, 1, 1], [0]);
  graph.output("last_hidden_state", layered(p, x, mask, size));
  return written(p, size);
}

/** Bytes as a network of that name, without a file. */
export function openedNetwork(name: string, bytes: Uint8Array): readonly [string, Network] {
  const ports = inspectOnnx(bytes);
  const graph: Network["graph"] = (shapes) => readOnnx(bytes, { shapes });
  return [name, { name, hash: name, inputs: ports.inputs, layers: layerNames(ports), graph }];
}
