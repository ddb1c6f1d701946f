/** @file What all graphs of a model have in common: tokens, their states, and what states are compared with. */
import type { Graph, Value } from "../graph/graph.ts";
import {
  add,
  concat,
  constant,
  div,
  gather,
  less,
  matmul,
  normalizeRows,
  reshape,
  split,
  sqrt,
  sumSquare,
  unsqueeze,
  where,
} from "../graph/ops/index.ts";
import { type Dropout, noDropout } from "../nn/layers.ts";
import type { Params } from "../nn/params.ts";
import { type Dim, f32, i32, multiplyDims } from "../tensor/spec.ts";
import { maskingOf, needsOf, partOf, type RecipeConfig } from "./config.ts";
import type { Candidates, Networks, SequenceInput, TokenList } from "./define.ts";

export interface Tokens {
  readonly item: Value;
  readonly position: Value;
  readonly segment: Value;
  readonly real?: TokenList;
  readonly times?: SequenceInput["times"];
}

/**
 * The inputs of rows: int32 [rows, width] each; an item may be `hiddenItem` where the task hides some. In padded rows a
 * column is a position, so that is not an input.
 */
export function tokenInputs(graph: Graph, config: RecipeConfig, rows: Dim, width: number): Tokens {
  const padded = needsOf(config).rows === "padded";
  const times = timeInputs(graph, config, rows, width);
  return {
    item: graph.input("item", i32(rows, width)),
    position: padded ? columnPositions(graph, width) : graph.input("position", i32(rows, width)),
    segment: graph.input("segment", i32(rows, width)),
    ...(times && { times }),
  };
}

/** The inputs `met`, and `next` where the model knows when it is asked; without that, it is asked when a token is met. */
export function timeInputs(
  graph: Graph,
  config: RecipeConfig,
  rows: Dim,
  width: number,
): SequenceInput["times"] {
  const { times } = needsOf(config);
  if (times === "none") return undefined;
  const met = graph.input("met", i32(rows, width));
  return { met, asked: times === "next" ? graph.input("next", i32(rows, width)) : met };
}

/** Positions of rows whose most recent item is in the last column: int32 [1, width]. */
export const columnPositions = (graph: Graph, width: number): Value =>
  constant(
    graph,
    "int32",
    [1, width],
    Array.from({ length: width }, (_, k) => width - 1 - k),
  );

/** How a model is traced. */
export interface Tracing {
  readonly drop: (probability: number) => Dropout;
  readonly block: SequenceInput["block"];
  /** Where the item vectors come from: the encoder, or where they are derived a parameter that holds them ready. */
  readonly items: "made" | "ready";
  /** The pretrained networks that item vectors are made with. */
  readonly networks?: Networks | undefined;
}

/** Where nothing is learned. */
export const plainly: Tracing = { drop: () => noDropout, block: (trace) => trace(), items: "ready" };

/** The parameter that holds the vectors of all items, where they are derived from other things than itself. */
export const readyItems = "items.vectors";

/** Whether item vectors are computed from more than a weight of their own. */
export const derivesItems = ({ items }: RecipeConfig): boolean =>
  partOf("items", items.name).derived?.(items as never) ?? false;

/** Whether states are compared with other item vectors than those that histories are made of. */
export const separatesItems = ({ scoring }: Pick<RecipeConfig, "scoring">): boolean =>
  scoring.output === "separate";

/** The scopes of the item encoders: what histories are made of and, where that is another, what states are compared with. */
export const itemScopes = (config: Pick<RecipeConfig, "scoring">): readonly string[] =>
  separatesItems(config) ? ["items", "output"] : ["items"];

/** Names of the pretrained networks that item vectors are made with. */
export const networksOf = ({ items }: RecipeConfig): readonly string[] =>
  partOf("items", items.name).networks?.(items as never) ?? [];

/** The item vectors of a model: [N, D] each, one and the same where `scoring.output` is "tied". */
export interface ItemTables {
  /** What histories are made of. */
  readonly input: Value;
  /** What states are compared with. */
  readonly output: Value;
}

/** The item vectors; where they are separate, those of `output` are made by an encoder with weights and masks of its own. */
export function itemTables(
  p: Params,
  config: RecipeConfig,
  count: number,
  tracing: Pick<Tracing, "drop" | "items" | "networks"> = plainly,
): ItemTables {
  const { drop, items, networks } = tracing;
  if (items === "ready" && derivesItems(config)) return readyTables(p, config, count);
  const encoder = partOf("items", config.items.name);
  const made = (scope: string, masked: Tracing["drop"]): Value =>
    encoder.apply(p.at(scope), { count, drop: masked, networks }, config.items as never).vectors;
  const input = made("items", drop);
  if (!separatesItems(config)) return { input, output: input };
  return { input, output: made("output", (probability) => renamed(drop(probability), "output")) };
}

/** The vectors of the parameter that holds them ready: side by side where they are separate. */
function readyTables(p: Params, config: RecipeConfig, count: number): ItemTables {
  const dim = config.items.dim as number;
  const ready = p.graph.param(readyItems, f32(count, dim * itemScopes(config).length));
  if (!separatesItems(config)) return { input: ready, output: ready };
  const [input, output] = split(ready, 1, [dim, dim]);
  return { input: input!, output: output! };
}

/** The vectors of items as they are kept: [N, D], or those of histories beside those of scores [N, 2D]. */
export const keptVectors = ({ input, output }: ItemTables): Value =>
  input === output ? input : concat([input, output], 1);

/** A dropout whose masks are others than those of the same names. */
export const renamed =
  (drop: Dropout, name: string): Dropout =>
  (x, mask) =>
    drop(x, `${mask}.${name}`);

export interface Encoded {
  /** [B, L, D] */
  readonly states: Value;
  readonly tables: ItemTables;
}

export function encode(
  p: Params,
  config: RecipeConfig,
  count: number,
  tokens: Tokens,
  tracing: Tracing,
): Encoded {
  const tables = itemTables(p, config, count, tracing);
  return { states: statesOf(p, config, tables.input, tokens, tracing), tables };
}

/** The state of every token [B, L, D], whose items are rows of `table`. */
export function statesOf(
  p: Params,
  config: RecipeConfig,
  table: Value,
  tokens: Tokens,
  { drop, block }: Tracing,
): Value {
  const backbone = partOf("backbone", config.backbone.name);
  const input = {
    x: maskingOf(config) ? partlyHidden(p.at("task"), table, tokens.item) : gather(table, tokens.item),
    position: tokens.position,
    segment: tokens.segment,
    ...(tokens.real && { real: tokens.real }),
    times: tokens.times,
    maxLength: config.training.maxLength,
    dropout: drop(backbone.dropout(config.backbone as never)),
    block,
  };
  return backbone.apply(p.at("backbone"), input, config.backbone as never);
}

/** Item vectors, and one learned vector in the places of hidden items (`hiddenItem`): [N, D], int32 [B, L] → [B, L, D]. */
function partlyHidden(p: Params, table: Value, item: Value): Value {
  const hidden = less(item, 0);
  const mask = p.weight("mask", [table.size(-1) as number]);
  return where(unsqueeze(hidden, -1), mask, gather(table, where(hidden, 0, item)));
}

/** [B, L, D] → [B·L, D]. */
export const flatten = (x: Value): Value => reshape(x, [multiplyDims(x.shape[0]!, x.shape[1]!), x.size(-1)]);

/** Vectors as the inner product wants them, and what multiplies it. */
export function comparable(
  config: RecipeConfig,
  h: Value,
  table: Value,
): { h: Value; items: Candidates; scale: number } {
  const { similarity, temperature } = config.scoring;
  const [ready, scale] = similarity === "dot" ? [(x: Value) => x, 1] : [normalizeRows, 1 / temperature];
  // Rows are selected first, so that their gradient is rows of the table itself, whatever is done to them then.
  const items = { all: () => ready(table), rows: (indices: Value) => ready(gather(table, indices)) };
  return { h: ready(h), items, scale };
}

/** Scores of all items for states [Q, D]: → [Q, N]. The table is not normalised as a whole: that would be one more. */
export function scoresOf(config: RecipeConfig, states: Value, table: Value): Value {
  const { h, scale } = comparable(config, states, table);
  const scores = matmul(h, table, { transB: true, scale });
  if (config.scoring.similarity === "dot") return scores;
  return div(scores, sqrt(add(sumSquare(table, [-1]), 1e-12)));
}
