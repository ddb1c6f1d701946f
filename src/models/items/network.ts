/** @file Pretrained networks inside item encoders: what they are fed, which of their values are states, and pooling. */
import type { Network } from "../../content/network.ts";
import type { Pooling } from "../../content/pooling.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import {
  add,
  cast,
  constant,
  div,
  equal,
  fill,
  less,
  maximum,
  mean,
  reshape,
  slice,
  sub,
  sum,
  where,
} from "../../graph/ops/index.ts";
import { ConfigError, DataError } from "../../tensor/errors.ts";
import { suggest } from "../../tensor/nearest.ts";
import { formatShape } from "../../tensor/spec.ts";
import type { ItemInput } from "../define.ts";
import type { Adapted } from "./adaptation.ts";

/** The network of that name. @throws ConfigError where it was not opened */
export function networkOf({ networks }: Pick<ItemInput, "networks">, name: string): Network {
  const network = networks?.get(name);
  if (network) return network;
  const what = `items: the network "${name}" is not open; give it beside the settings`;
  throw new ConfigError("no-network", what, { name });
}

/** A value of a network, by the name that it has as an output or had in the file. @throws ConfigError */
export function requireValue(graph: Graph, name: string): Value {
  const found = graph.outputs.get(name) ?? graph.labels.get(name);
  if (found) return found;
  const known = [...graph.outputs.keys(), ...graph.labels.keys()];
  throw new ConfigError(
    "unknown-value",
    `nothing in the network is called "${name}"${suggest(name, known)}`,
    {
      name,
    },
  );
}

/** Texts as tokens: int32 [N, L], and how many count: int32 [N, 1]. */
export interface TokenRows {
  readonly tokens: Value;
  readonly lengths: Value;
}

const dtypes = { INT64: "int64", INT32: "int32", BOOL: "bool", FLOAT: "float32" } as const;

/** A network that reads tokens, at the shapes of those, and its inputs. @throws DataError where it takes anything else */
export function tokenNetwork({ name, inputs, layers, graph: read }: Network, { tokens, lengths }: TokenRows) {
  const shape = tokens.shape as [number, number];
  const places = placesOf(tokens);
  const source: Readonly<Record<string, () => Value>> = {
    input_ids: () => tokens,
    attention_mask: () => cast(less(places, maximum(lengths, 1)), "int32"),
    token_type_ids: () => fill(tokens.graph, shape, 0, "int32"),
    position_ids: () => add(places, fill(tokens.graph, shape, 0, "int32")),
  };
  const fed = inputs.map((port) => {
    const make = source[port.name];
    const dtype = dtypes[port.type as keyof typeof dtypes];
    if (make && dtype) return [port.name, cast(make(), dtype)] as const;
    const what = `${name}: its input "${port.name}" ${port.type} [${port.shape.join(", ")}] is none of a text encoder's, which are ${Object.keys(source).join(", ")}`;
    throw new DataError("not-a-text-encoder", what, { name });
  });
  const graph = read(Object.fromEntries(fed.map(([port]) => [port, shape])));
  const network: Adapted = { graph, layers, output: statesOutput(name, graph) };
  return { network, fed: Object.fromEntries(fed) };
}

/** A network that reads pictures [N, 3, height, width] or [N, height, width, 3]. @throws DataError where it does not */
export function pictureNetwork({ name, inputs, layers, graph: read }: Network, pictures: Value) {
  const [only] = inputs;
  const shape = pictures.shape as number[];
  if (!only || inputs.length > 1 || only.type !== "FLOAT" || only.shape.length !== 4) {
    const shown = inputs.map((port) => `"${port.name}" ${port.type} [${port.shape.join(", ")}]`).join(", ");
    throw new DataError(
      "not-an-image-encoder",
      `${name}: it takes ${shown}; an image encoder takes one FLOAT of 4 axes`,
    );
  }
  const graph = read({ [only.name]: shape });
  const network: Adapted = { graph, layers, output: statesOutput(name, graph) };
  return { network, fed: { [only.name]: pictures } };
}

/** The output that is the last states: by its usual name, or the first of several axes, or the first pooled one. */
function statesOutput(name: string, { outputs }: Graph): string {
  const all = [...outputs];
  const usual = ["last_hidden_state", "token_embeddings"].find((port) => outputs.has(port));
  const found =
    usual ?? all.find(([, { rank }]) => rank >= 3)?.[0] ?? all.find(([, { rank }]) => rank === 2)?.[0];
  if (found !== undefined) return found;
  const shown = all.map(([port, { shape }]) => `"${port}" ${formatShape(shape)}`).join(", ");
  throw new DataError("not-an-encoder", `${name}: none of its outputs (${shown}) holds states`, { name });
}

/** 0 … L − 1: int32 [1, L]. */
const placesOf = (tokens: Value): Value => {
  const width = tokens.size(1) as number;
  return constant(
    tokens.graph,
    "int32",
    [1, width],
    Array.from({ length: width }, (_, at) => at),
  );
};

/** One vector for each text from the states of its tokens, as `encode` pools them: [N, L, D] → [N, D]. */
export function pooledTokens(states: Value, { tokens, lengths }: TokenRows, pooling: Pooling): Value {
  if (states.rank === 2) return states;
  const length = maximum(lengths, 1);
  const places = placesOf(tokens);
  const count = states.size(1) as number;
  const chosen = {
    mean: () => less(places, length),
    cls: () => less(places, 1),
    last: () => equal(places, sub(length, 1)),
  }[pooling]();
  // What does not count may be anything at all, infinity among it.
  const kept = where(reshape(chosen, [chosen.size(0), count, 1]), states, 0);
  const total = sum(kept, [1]);
  return pooling === "mean" ? div(total, cast(length, "float32")) : total;
}

/** One vector for each picture: the mean over places of tokens [N, T, D] or maps [N, C, H, W], or the first token. */
export function pooledPlaces(states: Value, pooling: "mean" | "cls"): Value {
  if (states.rank === 2) return states;
  if (states.rank === 4) return mean(states, [2, 3]);
  if (pooling === "mean") return mean(states, [1]);
  return reshape(slice(states, 1, 0, 1), [states.size(0), states.size(-1)]);
}
