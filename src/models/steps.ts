/** @file The graphs of a trained model: scores of histories in rows, and the deployable scorer. */
import { hiddenItem } from "../data/masks.ts";
import { Graph, type Value } from "../graph/graph.ts";
import {
  cast,
  concat,
  fill,
  gather,
  greaterOrEqual,
  mul,
  reshape,
  slice,
  where,
} from "../graph/ops/index.ts";
import { Params } from "../nn/params.ts";
import { f32, i32 } from "../tensor/spec.ts";
import { historyLength, type RecipeConfig, rowWidth } from "./config.ts";
import type { Networks } from "./define.ts";
import {
  columnPositions,
  comparable,
  encode,
  flatten,
  itemTables,
  keptVectors,
  plainly,
  scoresOf,
  statesOf,
  type Tokens,
  timeInputs,
  tokenInputs,
} from "./trace.ts";

/**
 * Scores of histories in rows: inputs item, segment, for packed rows position (int32 [R, W]) and `last` (int32 [Q], the
 * flat place of each history's last token); output `scores` [Q, N]. R and Q stay open until the graph is compiled.
 */
export function scoreStep(config: RecipeConfig, count: number): Graph {
  const graph = new Graph();
  const tokens = tokenInputs(graph, config, "R", rowWidth(config));
  const last = graph.input("last", i32("Q"));
  const { states, tables } = encode(new Params(graph), config, count, tokens, plainly);
  graph.output("scores", scoresOf(config, gather(flatten(states), last), tables.output));
  return graph;
}

/**
 * States of histories in rows, without the catalogue: inputs as of `scoreStep` and `vectors` [V, D], the rows of the item
 * vectors of histories that `item` counts in; output `states` [Q, D]. Their inner products with the item vectors (of length one where
 * the similarity is cosine) are the scores.
 */
export function stateStep(config: RecipeConfig, count: number): Graph {
  const graph = new Graph();
  const tokens = tokenInputs(graph, config, "R", rowWidth(config));
  const last = graph.input("last", i32("Q"));
  const width = itemTables(new Params(new Graph()), config, count).input.size(-1);
  const vectors = graph.input("vectors", f32("V", width));
  const states = statesOf(new Params(graph), config, vectors, tokens, plainly);
  const { h, scale } = comparable(config, gather(flatten(states), last), vectors);
  graph.output("states", mul(h, scale));
  return graph;
}

/**
 * The item vectors made by the encoder, as `keptVectors` says: output `vectors`; parameters are its weights, and its
 * constants and tables with a row for each of the `count` items. `networks` are those that they are made with.
 */
export function itemStep(
  config: RecipeConfig,
  count: number,
  networks?: Networks,
): { readonly graph: Graph; readonly params: Params } {
  const params = new Params(new Graph());
  const tables = itemTables(params, config, count, { ...plainly, items: "made", networks });
  params.graph.output("vectors", keptVectors(tables));
  return { graph: params.graph, params };
}

/** The item vectors by themselves, as `keptVectors` says: output `vectors`. */
export function vectorStep(config: RecipeConfig, count: number): Graph {
  const graph = new Graph();
  graph.output("vectors", keptVectors(itemTables(new Params(graph), config, count)));
  return graph;
}

/**
 * The deployable model: input `item` (int32 [B, L], a history a row, most recent last, padded at the left with −1; L is
 * `historyLength`), output `scores` [B, N]. Where the model reads times, `met` and `next` (int32 [B, L]: seconds from a
 * moment that is the history's own) are inputs too.
 */
export function servingStep(config: RecipeConfig, count: number): Graph {
  const graph = new Graph();
  const length = config.training.maxLength;
  const given = givenTokens(graph.input("item", i32("B", historyLength(config))), length);
  const tokens = { ...given, times: timeInputs(graph, config, "B", length) };
  const { states, tables } = encode(new Params(graph), config, count, tokens, plainly);
  const latest = reshape(slice(states, 1, length - 1, length), ["B", states.size(-1)]);
  graph.output("scores", scoresOf(config, latest, tables.output));
  return graph;
}

/** Histories padded at the left as tokens [B, length]: where that is one more than they have, a hidden item follows. */
function givenTokens(given: Value, length: number): Tokens {
  const { graph } = given;
  const real = greaterOrEqual(given, 0);
  const tokens = {
    item: where(real, given, 0),
    segment: cast(real, "int32"),
    position: columnPositions(graph, length),
  };
  if (given.size(-1) === length) return tokens;
  const more = (x: Value, value: number): Value => concat([x, fill(graph, ["B", 1], value, "int32")], 1);
  return { ...tokens, item: more(tokens.item, hiddenItem), segment: more(tokens.segment, 1) };
}
