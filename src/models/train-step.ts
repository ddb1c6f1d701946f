/** @file The graph of one training step: loss and gradients, over whole item tables or over the rows that it reads. */
import { paramGradients } from "../autodiff/gradient.ts";
import { type Section, traceSection } from "../autodiff/recompute.ts";
import { Graph, reachableNodes, type Value } from "../graph/graph.ts";
import { cast, constant, div, gather, mul, reshape, scalar, sum } from "../graph/ops/index.ts";
import { dropout } from "../nn/layers.ts";
import { Params } from "../nn/params.ts";
import { ConfigError } from "../tensor/errors.ts";
import { count, f32, i32 } from "../tensor/spec.ts";
import type { AuxiliaryInput } from "./auxiliary/define.ts";
import { withTerms } from "./auxiliary/terms.ts";
import { maskingOf, needsOf, partOf, type RecipeConfig } from "./config.ts";
import { type Candidates, drawnShape, type Networks, negativeInputs, type Sampling } from "./define.ts";
import { frozenParameters } from "./freeze.ts";
import { comparable, derivesItems, encode, flatten, type ItemTables, renamed, tokenInputs } from "./trace.ts";

/** Where the gradient of a parameter comes out of the step: dense, and as rows to add at row numbers. */
export interface GradientOutputs {
  readonly param: string;
  readonly dense: string | null;
  readonly rows: readonly { readonly indices: string; readonly gradient: string }[];
}

/** Item tables of which a step is fed only the rows that it reads, numbered anew. */
export interface FedRows {
  /** Parameters with a row for each item, constants among them. */
  readonly tables: readonly string[];
  /** Rows that are fed: as many as a step can read, or fewer where it is known to read fewer. */
  readonly count: number;
}

export interface TrainStep {
  readonly graph: Graph;
  /** The parameters of the whole model. */
  readonly params: Params;
  /** Those of the parameters that are trained. */
  readonly gradients: readonly GradientOutputs[];
  /** How negatives are drawn for the inputs `negatives` and `correction`; null where the loss takes none. */
  readonly sampling: Sampling | null;
  /** null where the step is fed whole tables. */
  readonly fedRows: FedRows | null;
}

export interface StepSize {
  /** N, the number of items. */
  readonly items: number;
  /** Rows of a step, and tokens of a row. */
  readonly rows: number;
  readonly width: number;
  /** T, the most predictions of a step, where not every token predicts. */
  readonly predictions?: number;
  /** 1 for items that are kept from training [N]: to the full softmax they are not there. */
  readonly cold?: Uint8Array | undefined;
  /** Rows that a step is fed of item tables, where that is fewer than it could read. */
  readonly fed?: number;
}

/**
 * Loss and gradients of one step over rows [R, W]. Inputs: item, segment, for packed rows position (int32 [R, W]),
 * target (int32 [R, W]), weight (float32 [R, W]), for losses with negatives negatives and correction ([K], or [T, K])
 * and, where the history is left out, hits (bool [T, K]), and the dropout masks; outputs: `loss` (mean over weighted
 * predictions) and the gradients. With `predictions`, target and weight are [T], and another input `place` (int32 [T])
 * names the tokens that predict, so that nothing of the loss is computed for the others.
 *
 * Where the loss reads only some rows of the item tables (and `training.updates` is "read", or vectors are made of more
 * than such a row), the step is fed those rows alone: the same model traced over as many items as a step can read, whose
 * inputs carry row numbers of that choice. A step then costs nothing that grows with the catalogue. `networks` are those
 * that item vectors are made with.
 */
export function trainStep(config: RecipeConfig, size: StepSize, networks?: Networks): TrainStep {
  const sampling = samplingOf(config);
  if (sampling) refuseDraws(sampling, size);
  const whole = trace(config, size, { fed: size.items, networks });
  const predictions = predictionsOf(size);
  const drawn = sampling ? count(drawnShape(sampling, predictions)) : 0;
  const most = mostItems(config, size) + drawn;
  const tables = readByRows(whole);
  const byRows = tables.length > 0 && feedsRows(config);
  const fedRows = byRows ? { tables, count: Math.min(size.fed ?? most, most, size.items) } : null;
  const traced = fedRows ? trace(config, size, { fed: fedRows.count, networks }) : whole;
  return {
    graph: traced.graph,
    params: whole.params,
    gradients: gradientOutputs(traced, config),
    sampling,
    fedRows,
  };
}

/** @throws ConfigError where a draw is larger than the catalogue, or has no room for the targets that it is to hold */
function refuseDraws({ draws, from }: Sampling, size: StepSize): void {
  const [items, targets] = [size.items, Math.min(predictionsOf(size), size.items)];
  if (draws > items) {
    const message = `loss.negatives is ${draws}, but there are only ${items} items; set it to at most that`;
    throw new ConfigError("too-many-negatives", message, { negatives: draws });
  }
  if (from !== "targets" || draws >= targets) return;
  const message = `loss.negatives is ${draws}, but with loss.from "targets" a step may have ${targets} of them; set it to at least that`;
  throw new ConfigError("too-few-negatives", message, { negatives: draws });
}

/**
 * Whether a step is fed rows where it could be: where it updates those alone, which an optimizer may refuse to do, and
 * where the vectors of rows that it does not read would be computed for nothing.
 */
function feedsRows(config: RecipeConfig): boolean {
  const { elementwise } = partOf("optimizer", config.optimizer.name);
  return config.training.updates === "read" ? elementwise : derivesItems(config);
}

export const predictionsOf = ({ rows, width, predictions }: StepSize): number => predictions ?? rows * width;

/** Of the inputs target and weight. */
export const predictionShape = ({ rows, width, predictions }: StepSize): number[] =>
  predictions ? [predictions] : [rows, width];

/** Whether the tokens that predict are all that are no padding, where `place` lists them. */
const allPredict = (config: RecipeConfig): boolean =>
  needsOf(config).rows === "padded" && config.training.targets === "all" && !maskingOf(config);

/** The most items that tokens and predictions of a step can read; padding reads none. */
function mostItems(config: RecipeConfig, size: StepSize): number {
  const [places, predictions] = [size.rows * size.width, predictionsOf(size)];
  if (maskingOf(config)) return places; // a hidden token reads no item, and predicts one
  return (allPredict(config) ? predictions : places) + predictions;
}

interface Traced {
  readonly graph: Graph;
  readonly params: Params;
  readonly loss: Value;
  readonly tables: ItemTables;
  /** Blocks to be computed again. */
  readonly sections: readonly Section[];
}

const samplingOf = ({ loss }: RecipeConfig): Sampling | null =>
  partOf("loss", loss.name).sampling?.(loss as never) ?? null;

/** The loss of a model whose tables have `fed` rows. */
function trace(
  config: RecipeConfig,
  size: StepSize,
  { fed, networks }: { readonly fed: number; readonly networks: Networks | undefined },
): Traced {
  const { items, rows, width } = size;
  const graph = new Graph();
  const params = new Params(graph);
  const tokens = tokenInputs(graph, config, rows, width);
  const predictions = predictionsOf(size);
  const shape = predictionShape(size);
  const target = reshape(graph.input("target", i32(...shape)), [predictions]);
  const weight = reshape(graph.input("weight", f32(...shape)), [predictions]);
  const sections: Section[] = [];
  const block = (inside: () => Value): Value => {
    const { result, section } = traceSection(graph, inside);
    if (config.training.rematerialize) sections.push(section);
    return result;
  };
  const place = size.predictions ? graph.input("place", i32(predictions)) : null;
  const real = place && allPredict(config) ? { real: { place, weight } } : {};
  const tracing = { drop: dropout, block, items: "made", networks } as const;
  const { states, tables } = encode(params, config, fed, { ...tokens, ...real }, tracing);
  const sampling = samplingOf(config);
  const negatives = sampling && negativeInputs(graph, sampling, predictions);
  const shares = div(weight, sum(weight));
  const all = flatten(states);
  const predicting = place ? gather(all, place) : all;
  const compared = comparable(config, predicting, tables.output);
  const input = {
    ...compared,
    items: size.cold ? withoutCold(compared.items, size.cold) : compared.items,
    target,
    weight: shares,
    negatives,
    count: items,
  };
  const recommending = partOf("loss", config.loss.name).apply(input, config.loss as never);
  const look = lookAgain(params, config, networks);
  const loss = withTerms(recommending, params, config, {
    h: predicting,
    target,
    weight: shares,
    count: fed,
    look,
  });
  return { graph, params, loss, tables, sections };
}

/** Vectors of some items made once more, by the encoder that has made those of histories. */
const lookAgain =
  (params: Params, { items }: RecipeConfig, networks: Networks | undefined): AuxiliaryInput["look"] =>
  (wanted, name, share) => {
    const input = {
      count: wanted.size(0) as number,
      drop: (probability: number) => renamed(dropout(probability), name),
      lose: renamed(dropout(share), name),
      networks,
    };
    return partOf("items", items.name).apply(params.at("items").rowsOf(wanted), input, items as never)
      .vectors;
  };

/** Candidates among which cold items are vectors of zeros, which get no gradient and a score of 0. */
const withoutCold = ({ all, rows }: Candidates, cold: Uint8Array): Candidates => ({
  rows,
  all() {
    const vectors = all();
    const warm = Array.from(cold, (mark) => 1 - mark);
    return mul(vectors, constant(vectors.graph, "float32", [warm.length, 1], warm));
  },
});

/** The item tables, where nothing but rows of the item vectors is read; none where they are read in another way. */
function readByRows({ graph, loss, params, tables: { input, output } }: Traced): string[] {
  const byRows = reachableNodes(graph, [loss]).every(({ op, inputs }) =>
    inputs.every((x, i) => (x !== input && x !== output) || i === op.selects?.table),
  );
  return byRows ? [...params.tables] : [];
}

/** Names loss and gradients as outputs; what is to stay as it starts has none. */
function gradientOutputs({ graph, loss, sections }: Traced, { training }: RecipeConfig): GradientOutputs[] {
  graph.output("loss", loss);
  const weights = [...graph.params.keys()].filter((name) => !graph.frozen.has(name));
  const frozen = frozenParameters(weights, training);
  const names = weights.filter((name) => !frozen.has(name));
  const values = names.map((name) => graph.params.get(name)!.value);
  return paramGradients(loss, values, scalar(graph, 1), sections).map(({ dense, rows: parts }, i) => {
    const param = names[i]!;
    if (dense) graph.output(`d/${param}`, dense);
    const rows = parts.map(({ indices, gradient }, k) => {
      graph.output(`rows/${param}/${k}`, gradient);
      graph.output(`index/${param}/${k}`, cast(indices, "int32")); // networks of files have int64
      return { indices: `index/${param}/${k}`, gradient: `rows/${param}/${k}` };
    });
    return { param, dense: dense ? `d/${param}` : null, rows };
  });
}
