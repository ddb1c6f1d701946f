/** @file A small text encoder learns words by filling in those that are hidden (BERT, Devlin et al. 2019, arXiv:1810.04805). */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { gradient } from "../src/autodiff/gradient.ts";
import { crossEntropy, gather, reshape } from "../src/graph/ops/index.ts";
import { adam } from "../src/models/optimizers/adam.ts";
import { trainable } from "../src/nn/adapt.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { ModelProtoSchema } from "../src/onnx/schema/onnx_pb.ts";
import { compile } from "../src/runtime/node.ts";
import { stream } from "../src/tensor/random.ts";
import { i32, type Tensor } from "../src/tensor/spec.ts";

export interface Reading {
  /** The encoder's file, with weights to start from. */
  readonly model: Uint8Array;
  /** Tokens of the texts, without those at their beginnings and ends. */
  readonly rows: readonly (readonly number[])[];
  /** The token that stands for a hidden word. */
  readonly mask: number;
  /** Tokens at the beginning and at the end. */
  readonly frame: readonly [number, number];
  /** Windows of a step, and tokens of a window. */
  readonly batch: number;
  readonly length: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly threads: number;
}

/** Share of the words that are hidden. */
const share = 0.15;
/** The weights of the fixture are wider than is good for learning. */
const narrower = 1 / 6;

/** The step's graph: tokens and hidden places → loss, with its gradients. */
function hiddenWords({ model, batch, length }: Reading, hidden: number) {
  const shape = [batch, length];
  const graph = readOnnx(model, { shapes: { input_ids: shape, attention_mask: shape } });
  const states = graph.value("last_hidden_state");
  graph.outputs.delete("last_hidden_state");
  const table = graph.params.get("embeddings.word")!.value;
  const rows = reshape(states, [batch * length, states.size(-1)]);
  const places = graph.input("places", i32(hidden));
  graph.output("loss", crossEntropy(gather(rows, places), table, graph.input("words", i32(hidden))));
  const weights: Record<string, Tensor> = {};
  for (const name of trainable(graph)) {
    const { data, shape: own } = graph.params.get(name)!.data!;
    const scale = /LayerNorm|bias/.test(name) ? 1 : narrower;
    weights[name] = { data: Float32Array.from(data as Float32Array, (v) => scale * v), shape: own };
  }
  return { graph: gradient(graph, { of: "loss", wrt: Object.keys(weights) }), weights };
}

/** The encoder after so many steps, and what the loss was at first and at last, in nats a word. */
export async function readWords(reading: Reading): Promise<{ model: Uint8Array; losses: [number, number] }> {
  const { model, rows, mask, frame, batch, length, steps, learningRate, threads } = reading;
  const inner = length - 2;
  const hidden = Math.round(share * batch * inner);
  const { graph, weights } = hiddenWords(reading, hidden);
  const program = await compile(graph, { threads, params: "trained" });
  const text = Int32Array.from(rows.flat());
  const config = adam.config.parse({ beta2: 0.999 }) as Parameters<typeof adam.update>[1];
  const slots = Object.fromEntries(
    Object.entries(weights).map(([name, { data }]) => [
      name,
      { m: new Float32Array(data.length), v: new Float32Array(data.length) },
    ]),
  );
  const random = stream(0, "hidden words");
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const tokens = new BigInt64Array(batch * length);
    const places = Array.from(
      { length: batch * inner },
      (_, k) => Math.floor(k / inner) * length + 1 + (k % inner),
    );
    for (let row = 0; row < batch; row++) {
      const from = random.below(Math.max(1, text.length - inner));
      const window = [frame[0], ...text.subarray(from, from + inner), frame[1]];
      window.forEach((token, at) => {
        tokens[row * length + at] = BigInt(token);
      });
    }
    const chosen = Int32Array.from(random.shuffle(places).slice(0, hidden));
    const words = Int32Array.from(chosen, (place) => Number(tokens[place]));
    for (const place of chosen) tokens[place] = BigInt(mask);
    const grid = [batch, length];
    const outputs = await program.run({
      ...weights,
      input_ids: { data: tokens, shape: grid },
      attention_mask: { data: new BigInt64Array(batch * length).fill(1n), shape: grid },
      places: { data: chosen, shape: [hidden] },
      words: { data: words, shape: [hidden] },
    });
    const rate = learningRate * Math.min(1, step / 50, (steps - step + 1) / (0.7 * steps));
    for (const [name, { data }] of Object.entries(weights)) {
      const slope = outputs[`d/${name}`]!.data as Float32Array;
      const update = {
        param: data as Float32Array,
        gradient: slope,
        slots: slots[name]!,
        step,
        learningRate: rate,
      };
      adam.update(update, config);
    }
    losses.push(Number(outputs.loss!.data[0]));
  }
  await program.dispose();
  const few = Math.max(1, Math.min(20, steps >> 2));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    model: withWeights(model, weights),
    losses: [mean(losses.slice(0, few)), mean(losses.slice(-few))],
  };
}

/** The file with other values of its weights. */
function withWeights(file: Uint8Array, weights: Readonly<Record<string, Tensor>>): Uint8Array {
  const model = fromBinary(ModelProtoSchema, file);
  for (const each of model.graph!.initializer) {
    const values = weights[each.name]?.data as Float32Array | undefined;
    if (!values) continue;
    each.floatData = [];
    each.rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  return toBinary(ModelProtoSchema, model);
}
