/** @file Sentence encoders and language models: an ONNX file in a folder, or a model of the Hugging Face hub. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { unreadable } from "../data/files.ts";
import { inspectOnnx, type OnnxPort, type OnnxPorts, withOutputs } from "../onnx/inspect.ts";
import type { Device } from "../runtime/device.ts";
import type { Feeds } from "../runtime/runtime.ts";
import { openSession } from "../runtime/session.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import type { DType, Tensor } from "../tensor/spec.ts";
import { layerNames } from "./layer-names.ts";
import type { States } from "./pooling.ts";
import {
  folderOf,
  loadTransformers,
  modelFile,
  notATextEncoder,
  openTokenizer,
  reasonOf,
  type Tokenizer,
  type Transformers,
} from "./tokenizer.ts";

export interface ModelOptions {
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  /** The states after every layer instead of the last ones alone. */
  readonly hiddenStates: boolean;
}

/** A model that turns tokens into states. */
export interface LanguageModel extends Pick<Tokenizer, "name" | "tokens" | "mostTokens"> {
  /** Changes with the model. */
  readonly hash: string;
  /** States of a batch, [B, L, D] with L of the longest text: the last ones, or those of each layer. */
  states(tokens: readonly (readonly number[])[]): Promise<States[]>;
  dispose(): Promise<void>;
}

/** Runs fed inputs; the names of the inputs are known where the model is a file. */
interface Runner {
  readonly hash: string;
  readonly inputs: readonly OnnxPort[];
  run(feeds: Feeds): Promise<Readonly<Record<string, Tensor>>>;
  /** Which of the outputs are the states, in order. */
  choose(outputs: Readonly<Record<string, Tensor>>): Tensor[];
  dispose(): Promise<void>;
}

/** Opens a folder or a model of the hub. @throws ConfigError, DataError where it is no text encoder */
export async function openLanguageModel(name: string, options: ModelOptions): Promise<LanguageModel> {
  const tokenizer = await openTokenizer(name);
  const folder = await folderOf(name);
  const runner = folder
    ? await fileRunner(name, await modelFile(name, folder), options)
    : await hubRunner(await loadTransformers(), name, options);
  const { pad, tokens, mostTokens } = tokenizer;
  return {
    name: tokenizer.name,
    hash: createHash("sha256").update(runner.hash).update(tokenizer.hash).digest("hex"),
    mostTokens,
    tokens,
    async states(tokens) {
      const outputs = await runner.run(feedsOf(name, runner.inputs, tokens, pad));
      return runner.choose(outputs).map(({ data, shape }) => {
        if (data instanceof Float32Array && (shape.length === 3 || shape.length === 2))
          return { data, shape };
        throw notATextEncoder(name, `its output is [${shape.join(", ")}], not float32 states of tokens`);
      });
    },
    dispose: () => runner.dispose(),
  };
}

const elementTypes: Readonly<Record<string, DType>> = { INT64: "int64", INT32: "int32", BOOL: "bool" };

async function fileRunner(name: string, file: string, options: ModelOptions): Promise<Runner> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  const ports = portsOf(name, bytes);
  const layers = options.hiddenStates ? layerNames(ports) : [];
  if (options.hiddenStates && layers.length === 0) {
    const what =
      "its layers cannot be told by their names; export it with its hidden states as outputs called hidden_states.0, …";
    throw notATextEncoder(name, what);
  }
  const types = Object.fromEntries(
    ports.inputs.map((port) => [port.name, elementTypes[port.type] ?? "float32"]),
  );
  // By its path, weights that lie beside the file are found; by its bytes, it can give more outputs.
  const session = await openSession(
    layers.length === 0 ? file : withOutputs(bytes, layers),
    types,
    options,
  ).catch((error) => {
    throw error instanceof ConfigError ? error : notATextEncoder(name, reasonOf(error));
  });
  return {
    hash: createHash("sha256").update(bytes).digest("hex"),
    inputs: ports.inputs,
    run: (feeds) => session.run(feeds),
    choose: (outputs) =>
      layers.length > 0 ? layers.map((layer) => outputs[layer]!) : [lastStates(name, outputs)],
    dispose: () => session.release(),
  };
}

function portsOf(name: string, bytes: Uint8Array): OnnxPorts {
  try {
    return inspectOnnx(bytes);
  } catch (error) {
    throw notATextEncoder(name, reasonOf(error));
  }
}

/** The output that is the last states: by its usual name, or the first of three axes, or the first pooled one. */
function lastStates(name: string, outputs: Readonly<Record<string, Tensor>>): Tensor {
  const all = Object.values(outputs);
  const found =
    outputs.last_hidden_state ??
    outputs.token_embeddings ??
    all.find(({ shape }) => shape.length === 3) ??
    all.find(({ shape }) => shape.length === 2);
  if (found !== undefined) return found;
  throw notATextEncoder(
    name,
    `none of its outputs (${Object.keys(outputs).join(", ")}) is [texts, tokens, width]`,
  );
}

async function hubRunner(
  { AutoModel, Tensor }: Transformers,
  name: string,
  options: ModelOptions,
): Promise<Runner> {
  const { threads } = options;
  const session_options = threads === undefined ? {} : { intraOpNumThreads: threads };
  const model = await AutoModel.from_pretrained(name, { dtype: "fp32", session_options }).catch(
    (error: unknown) => {
      throw new DataError(
        "no-text-encoder",
        `text encoder "${name}": it could not be loaded from the hub (${reasonOf(error)})`,
        { name },
      );
    },
  );
  const ids = ["input_ids", "attention_mask", "token_type_ids"];
  return {
    hash: `hub ${name} ${JSON.stringify(model.config)}`,
    inputs: ids.map((port) => ({ name: port, type: "INT64", shape: ["B", "L"] })),
    async run(feeds) {
      const fed = Object.entries(feeds).map(([port, { data, shape }]) => {
        return [port, new Tensor("int64", data as BigInt64Array, [...shape])] as const;
      });
      type Output = { readonly data: Tensor["data"]; readonly dims: number[] };
      const outputs = Object.entries((await model(Object.fromEntries(fed))) as Record<string, Output>);
      return Object.fromEntries(outputs.map(([port, { data, dims }]) => [port, { data, shape: dims }]));
    },
    choose(outputs) {
      if (!options.hiddenStates) return [lastStates(name, outputs)];
      const given = Object.keys(outputs).map((port) => ({ name: port, type: "", shape: [] }));
      const layers = layerNames({ inputs: [], outputs: given, inner: [] });
      if (layers.length > 0) return layers.map((layer) => outputs[layer]!);
      throw notATextEncoder(
        name,
        "its file has no outputs called hidden_states; download it into a folder and name that",
      );
    },
    dispose: async () => void (await model.dispose()),
  };
}

/** Every input of the model for a batch, padded at the end to its longest text. */
function feedsOf(
  name: string,
  inputs: readonly OnnxPort[],
  tokens: readonly (readonly number[])[],
  pad: number,
): Feeds {
  if (!inputs.some((port) => port.name === "input_ids")) {
    const shown = inputs.map((port) => `"${port.name}" ${port.type} [${port.shape.join(", ")}]`).join(", ");
    throw notATextEncoder(name, `it takes ${shown}; a text encoder takes input_ids`);
  }
  const places = Math.max(...tokens.map(({ length }) => length));
  const grid = (valueAt: (row: readonly number[], at: number) => number): number[] =>
    tokens.flatMap((row) => Array.from({ length: places }, (_, at) => valueAt(row, at)));
  const feeds = inputs.map((port): readonly [string, Tensor] => {
    const whole = (values: number[]) =>
      [port.name, { data: integers(port.type, values), shape: [tokens.length, places] }] as const;
    if (port.name === "input_ids") return whole(grid((row, at) => row[at] ?? pad));
    if (port.name === "attention_mask") return whole(grid((row, at) => (at < row.length ? 1 : 0)));
    if (port.name === "token_type_ids") return whole(grid(() => 0));
    if (port.name === "position_ids") return whole(grid((_, at) => at));
    if (port.name.startsWith("past_key_values")) return [port.name, nothingBefore(port, tokens.length)];
    throw notATextEncoder(name, `it takes "${port.name}", of which a text says nothing`);
  });
  return Object.fromEntries(feeds);
}

const integers = (type: string, values: number[]) =>
  type === "INT32" ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);

/** The cache of a language model that has read nothing yet: [B, heads, 0, width]. */
function nothingBefore({ shape }: OnnxPort, texts: number): Tensor {
  const sizes = shape.map((size, axis) => (axis === 0 ? texts : typeof size === "number" ? size : 0));
  return { data: new Float32Array(0), shape: sizes };
}
