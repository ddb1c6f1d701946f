/** @file One way of fine-tuning the image encoder, in a process of its own: prints its figures as JSON. */
import { join } from "node:path";
import { gradient } from "../src/autodiff/gradient.ts";
import { type Graph, reachableNodes } from "../src/graph/graph.ts";
import { adam } from "../src/models/optimizers/adam.ts";
import { trainable } from "../src/nn/adapt.ts";
import { compile } from "../src/runtime/node.ts";
import type { Program } from "../src/runtime/runtime.ts";
import { stream } from "../src/tensor/random.ts";
import { count, type Tensor } from "../src/tensor/spec.ts";
import { genreNetwork, type Mode, slopeError } from "./finetune-network.ts";
import { median, rounded } from "./machine.ts";
import { type Posters, pictureBatch, readPosters } from "./posters.ts";

export interface FinetuneCase {
  readonly mode: Mode;
  readonly shared: string;
  readonly threads: number;
  readonly batch: number;
  readonly epochs: number;
  readonly training: number;
  readonly heldOut: number;
}

type Weights = Readonly<Record<string, Tensor>>;

const rates = { encoder: 3e-5, updates: 5e-4, head: 1e-3 } as const;
const rateOf = (name: string): number =>
  name.startsWith("head.") ? rates.head : name.includes(".lora.") ? rates.updates : rates.encoder;

/** Adam over all weights, in place. */
function optimizerOver(weights: Weights): (slopes: Weights) => void {
  const config = adam.config.parse({}) as Parameters<typeof adam.update>[1];
  const states = Object.entries(weights).map(([name, { data }]) => {
    const empty = () => new Float32Array(data.length);
    return { name, param: data as Float32Array, slots: { m: empty(), v: empty() } };
  });
  let step = 0;
  return (slopes) => {
    step++;
    for (const { name, param, slots } of states) {
      const gradient = slopes[`d/${name}`]!.data as Float32Array;
      adam.update({ param, gradient, slots, step, learningRate: rateOf(name) }, config);
    }
  };
}

const range = (length: number, from = 0): number[] => Array.from({ length }, (_, i) => from + i);
const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Inputs of films by their numbers. */
function batchOf({ pictures, labels, genres }: Posters, films: readonly number[]): Record<string, Tensor> {
  const targets = Float32Array.from(films.flatMap((i) => [...labels[i]!]));
  return {
    input: pictureBatch(films.map((i) => pictures[i]!)),
    targets: { data: targets, shape: [films.length, genres.length] },
  };
}

/** The mean over genres of: the mean, over the genre's films, of the genre's share among the films ranked as high. */
function meanAveragePrecision(scores: readonly Float32Array[], labels: readonly Float32Array[]): number {
  const precisions = [...labels[0]!.keys()].flatMap((genre) => {
    const order = range(scores.length).sort((a, b) => scores[b]![genre]! - scores[a]![genre]!);
    const places = order.flatMap((film, place) => (labels[film]![genre] === 1 ? [place + 1] : []));
    return places.length > 0 ? [average(places.map((place, hits) => (hits + 1) / place))] : [];
  });
  return average(precisions);
}

/** The logits of every genre start at its share among the training films. */
function startAtShares(graph: Graph, labels: readonly Float32Array[]): void {
  const bias = graph.params.get("head.b")!.data!.data as Float32Array;
  bias.forEach((_, genre) => {
    const share = (labels.filter((row) => row[genre] === 1).length + 1) / (labels.length + 2);
    bias[genre] = Math.log(share / (1 - share));
  });
}

async function scoreHeldOut(
  program: Program,
  weights: Weights,
  posters: Posters,
  { training, heldOut, batch }: FinetuneCase,
) {
  const scores: Float32Array[] = [];
  const losses: number[] = [];
  for (let start = training; start < training + heldOut; start += batch) {
    const films = range(batch, start);
    const { logits, loss } = await program.run({ ...weights, ...batchOf(posters, films) });
    const width = posters.genres.length;
    for (const row of films.keys())
      scores.push((logits!.data as Float32Array).slice(row * width, (row + 1) * width));
    losses.push(Number(loss!.data[0]));
  }
  const labels = posters.labels.slice(training, training + heldOut);
  return {
    loss: rounded(average(losses), 4),
    meanAveragePrecision: rounded(meanAveragePrecision(scores, labels), 3),
  };
}

async function timed(run: () => Promise<unknown>, times: number): Promise<number> {
  const taken: number[] = [];
  for (let k = 0; k < times; k++) {
    const began = performance.now();
    await run();
    taken.push(performance.now() - began);
  }
  return median(taken.slice(1));
}

async function finetune(options: FinetuneCase): Promise<Record<string, unknown>> {
  const { mode, shared, threads, batch, epochs, training, heldOut } = options;
  const posters = await readPosters(join(shared, "data", "ml-1m"), training + heldOut, 1);
  const graph = genreNetwork(shared, mode, posters.genres.length, ["N", 224]);
  startAtShares(graph, posters.labels.slice(0, training));
  const wrt = trainable(graph);
  const weights = Object.fromEntries(wrt.map((name) => [name, graph.params.get(name)!.data!]));
  const step = gradient(graph, { of: "loss", wrt });
  const resident = process.memoryUsage().rss / 2 ** 20;
  const program = await compile(step, { threads, params: "trained" });
  const update = optimizerOver(weights);
  const losses: number[] = [];
  const times: number[] = [];
  const busy: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = range(training);
    stream(2, "order", epoch).shuffle(order);
    for (let start = 0; start + batch <= training; start += batch) {
      const feeds = { ...weights, ...batchOf(posters, order.slice(start, start + batch)) };
      const began = performance.now();
      const used = process.cpuUsage();
      const { loss, ...slopes } = await program.run(feeds);
      update(slopes);
      const { user, system } = process.cpuUsage(used);
      times.push(performance.now() - began);
      busy.push((user + system) / 1000);
      losses.push(Number(loss!.data[0]));
    }
  }
  const peak = process.resourceUsage().maxRSS / 1024;
  await program.dispose();
  const scoring = await compile(graph, { threads, params: "trained" });
  const heldOutAfter = await scoreHeldOut(scoring, weights, posters, options);
  const forward = await timed(() => scoring.run({ ...weights, ...batchOf(posters, range(batch)) }), 6);
  await scoring.dispose();
  const few = Math.min(20, losses.length >> 1);
  return {
    mode,
    trainedParameters: Object.values(weights).reduce((n, { shape }) => n + count(shape), 0),
    forwardNodes: reachableNodes(graph, [graph.value("loss")]).length,
    backwardNodes: reachableNodes(step).length - reachableNodes(graph, [graph.value("loss")]).length,
    slopeError: rounded(slopeError(shared, mode), 2),
    trainingLoss: {
      first: rounded(average(losses.slice(0, few)), 4),
      last: rounded(average(losses.slice(-few)), 4),
    },
    heldOut: {
      ...heldOutAfter,
      chance: rounded(average(posters.labels.slice(training).flatMap((row) => [...row])), 3),
    },
    forwardMilliseconds: rounded(forward),
    stepMilliseconds: rounded(median(times)),
    fastestStepMilliseconds: rounded(Math.min(...times)),
    processorMilliseconds: rounded(median(busy)),
    peakMegabytes: rounded(peak, 4),
    beyondPicturesMegabytes: rounded(peak - resident, 4),
  };
}

process.stdout.write(JSON.stringify(await finetune(JSON.parse(process.argv[2]!) as FinetuneCase)));
