/** @file The graphs of a model: one training step, scores of packed histories, and the deployable scorer. */
import { paramGradients } from "../autodiff/gradient.ts";
import { type Section, traceSection } from "../autodiff/recompute.ts";
import { Graph, type Value } from "../graph/graph.ts";
import {
  cast,
  constant,
  div,
  gather,
  greaterOrEqual,
  matmul,
  normalizeRows,
  reshape,
  scalar,
  slice,
  sum,
  where,
} from "../graph/ops/index.ts";
import { type Dropout, dropout, noDropout } from "../nn/layers.ts";
import { Params } from "../nn/params.ts";
import { type Dim, i32, multiplyDims } from "../tensor/spec.ts";
import { partOf, type RecipeConfig } from "./config.ts";
import type { Candidates, SequenceInput } from "./define.ts";

/** Where the gradient of a parameter comes out of the step: dense, and as rows to add at row numbers. */
export interface GradientOutputs {
  readonly param: string;
  readonly dense: string | null;
  readonly rows: readonly { readonly indices: string; readonly gradient: string }[];
}

export interface TrainStep {
  readonly graph: Graph;
  readonly params: Params;
  readonly gradients: readonly GradientOutputs[];
}

interface Encoded {
  /** [B, L, D] */
  readonly states: Value;
  /** [N, D] */
  readonly table: Value;
}

function encode(
  p: Params,
  config: RecipeConfig,
  count: number,
  tokens: Tokens,
  { drop, block }: { drop: (probability: number) => Dropout; block: SequenceInput["block"] },
): Encoded {
  const backbone = partOf("backbone", config.backbone.name);
  const items = partOf("items", config.items.name);
  const table = items.apply(p.at("items"), { count }, config.items as never);
  const input = {
    x: gather(table, tokens.item),
    position: tokens.position,
    segment: tokens.segment,
    maxLength: config.training.maxLength,
    dropout: drop(backbone.dropout(config.backbone as never)),
    block,
  };
  return { states: backbone.apply(p.at("backbone"), input, config.backbone as never), table };
}

/** How a model is traced where nothing is learned. */
const plainly = { drop: () => noDropout, block: (trace: () => Value) => trace() };

interface Tokens {
  readonly item: Value;
  readonly position: Value;
  readonly segment: Value;
}

const tokenInputs = (graph: Graph, rows: Dim, width: number): Tokens => ({
  item: graph.input("item", i32(rows, width)),
  position: graph.input("position", i32(rows, width)),
  segment: graph.input("segment", i32(rows, width)),
});

const flatten = (x: Value): Value => reshape(x, [multiplyDims(x.shape[0]!, x.shape[1]!), x.size(-1)]);

/** Vectors as the inner product wants them, and what multiplies it. */
function comparable(
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

/**
 * Loss and gradients of one step over packed rows [R, W]. Inputs: item, target, position, segment (int32 [R, W]),
 * weight (float32 [R, W]) and the dropout masks; outputs: `loss` (mean over weighted tokens) and the gradients.
 */
export function trainStep(
  config: RecipeConfig,
  { items: count, rows, width }: { items: number; rows: number; width: number },
): TrainStep {
  const graph = new Graph();
  const params = new Params(graph);
  const tokens = tokenInputs(graph, rows, width);
  const target = reshape(graph.input("target", i32(rows, width)), [rows * width]);
  const weight = reshape(graph.input("weight", { dtype: "float32", shape: [rows, width] }), [rows * width]);
  const sections: Section[] = [];
  const block = (trace: () => Value): Value => {
    const { result, section } = traceSection(graph, trace);
    if (config.training.rematerialize) sections.push(section);
    return result;
  };
  const { states, table } = encode(params, config, count, tokens, { drop: dropout, block });
  const loss = partOf("loss", config.loss.name);
  const input = { ...comparable(config, flatten(states), table), target, weight: div(weight, sum(weight)) };
  const total = loss.apply(input, config.loss as never);
  graph.output("loss", total);
  const names = [...graph.params.keys()];
  const values = names.map((name) => graph.params.get(name)!.value);
  const gradients = paramGradients(total, values, scalar(graph, 1), sections).map(
    ({ dense, rows: parts }, i) => {
      const param = names[i]!;
      if (dense) graph.output(`d/${param}`, dense);
      const outputs = parts.map(({ indices, gradient }, k) => {
        graph.output(`rows/${param}/${k}`, gradient);
        graph.output(`index/${param}/${k}`, indices);
        return { indices: `index/${param}/${k}`, gradient: `rows/${param}/${k}` };
      });
      return { param, dense: dense ? `d/${param}` : null, rows: outputs };
    },
  );
  return { graph, params, gradients };
}

/**
 * Scores of packed histories: inputs item, position, segment (int32 [R, W]) and `last` (int32 [Q], the flat place of
 * each history's most recent item); output `scores` [Q, N]. R and Q stay open until the graph is compiled.
 */
export function scoreStep(config: RecipeConfig, count: number): Graph {
  const graph = new Graph();
  const tokens = tokenInputs(graph, "R", config.training.rowLength);
  const last = graph.input("last", i32("Q"));
  const { states, table } = encode(new Params(graph), config, count, tokens, plainly);
  const { h, items, scale } = comparable(config, gather(flatten(states), last), table);
  graph.output("scores", matmul(h, items.all(), { transB: true, scale }));
  return graph;
}

/**
 * The deployable model: input `item` (int32 [B, L], a history a row, most recent last, padded at the left with −1),
 * output `scores` [B, N].
 */
export function servingStep(config: RecipeConfig, count: number): Graph {
  const graph = new Graph();
  const length = config.training.maxLength;
  const given = graph.input("item", i32("B", length));
  const real = greaterOrEqual(given, 0);
  const places = Array.from({ length }, (_, k) => length - 1 - k);
  const tokens = {
    item: where(real, given, 0),
    segment: cast(real, "int32"),
    position: constant(graph, "int32", [1, length], places),
  };
  const { states, table } = encode(new Params(graph), config, count, tokens, plainly);
  const latest = reshape(slice(states, 1, length - 1, length), ["B", states.size(-1)]);
  const { h, items, scale } = comparable(config, latest, table);
  graph.output("scores", matmul(h, items.all(), { transB: true, scale }));
  return graph;
}
