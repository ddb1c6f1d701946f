/** @file BPR-MF: matrix factorisation that learns to rank what a person met above what it did not. */
import { z } from "zod";
import type { Sequences } from "../../data/sequences.ts";
import { stream } from "../../tensor/random.ts";
import { type BaselineState, defineBaseline, type Factors } from "./define.ts";
import { foldIn } from "./fold-in.ts";
import { addProducts } from "./rows.ts";

const config = z.strictObject({
  name: z.literal("bpr-mf").default("bpr-mf"),
  dim: z.int().min(1).max(1024).default(64).describe("width of the vectors of people and items"),
  epochs: z.int().min(1).max(10_000).default(60).describe("passes over the interactions"),
  learningRate: z
    .number()
    .positive()
    .max(1)
    .default(0.05)
    .describe("first step size, which falls to zero over the epochs"),
  regularization: z.number().min(0).default(0.01).describe("λ, which pulls vectors and biases to zero"),
  iterations: z
    .int()
    .min(1)
    .max(1000)
    .default(15)
    .describe("steps in which the vector of a history is found"),
  longest: z
    .int()
    .min(1)
    .default(500)
    .describe("most recent items of a history that its vector is found from"),
});
type Config = z.infer<typeof config>;

/** Items drawn once that stand for those not met when the vector of a history is found. */
const standIns = 200;

interface Learned {
  readonly users: Float32Array;
  readonly items: Float32Array;
  readonly bias: Float32Array;
}

type Triple = readonly [user: number, item: number, other: number];

/** One step of ascent along ln σ(x_ui − x_uj) less λ/2 of the squares, where x_ui = p_u·q_i + b_i. */
function ascend({ users, items, bias }: Learned, [user, item, other]: Triple, rate: number, config: Config) {
  const { dim, regularization: shrink } = config;
  const [u, i, j] = [user * dim, item * dim, other * dim];
  let margin = bias[item]! - bias[other]!;
  for (let c = 0; c < dim; c++) margin += users[u + c]! * (items[i + c]! - items[j + c]!);
  const slope = 1 / (1 + Math.exp(margin));
  for (let c = 0; c < dim; c++) {
    const p = users[u + c]!;
    const q = items[i + c]!;
    const r = items[j + c]!;
    users[u + c] = p + rate * (slope * (q - r) - shrink * p);
    items[i + c] = q + rate * (slope * p - shrink * q);
    items[j + c] = r - rate * (slope * p + shrink * r);
  }
  bias[item]! += rate * (slope - shrink * bias[item]!);
  bias[other]! -= rate * (slope + shrink * bias[other]!);
}

/** Draws an interaction, and an item that its person did not meet; null where there is none. */
function tripleSampler({ offsets, sequence }: Sequences, count: number, seed: number): () => Triple | null {
  const random = stream(seed, "bpr-mf", "triples");
  const users = offsets.length - 1;
  const owner = new Int32Array(sequence.length);
  for (let user = 0; user < users; user++) owner.fill(user, offsets[user]!, offsets[user + 1]!);
  const met = Array.from(
    { length: users },
    (_, user) => new Set(sequence.subarray(offsets[user]!, offsets[user + 1]!)),
  );
  return () => {
    const at = random.below(sequence.length);
    const user = owner[at]!;
    if (met[user]!.size === count) return null;
    let other = random.below(count);
    while (met[user]!.has(other)) other = random.below(count);
    return [user, sequence[at]!, other];
  };
}

function factorsOf(
  { items, bias, against }: BaselineState,
  { regularization, iterations, longest }: Config,
): Factors {
  const model = { items: items!, bias: bias!, against: against! };
  const vectorOf = foldIn({ ...model, regularization, iterations });
  return {
    ...model,
    vectorOf: (history) => vectorOf(history.subarray(Math.max(0, history.length - longest))),
  };
}

/**
 * Scores are p·q_j + b_j. Vectors of people and items and the items' biases are learned by stochastic ascent along
 * ln σ(x_ui − x_uj) − λ/2·|θ|² over drawn triples: an interaction (u, i), and an item j that u did not meet.
 *
 * A person that comes with a history need not have been there when the model was fitted, so people's vectors are not
 * kept: p is found from the history alone, as the one that the same objective has its maximum at with the items fixed
 * (`foldIn`). The order of the history is not used.
 *
 * Source: Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", UAI 2009, arXiv:1205.2618. Ours:
 * the biases, step sizes that fall, and the vector of a history.
 */
export const bprMf = defineBaseline<Config>({
  name: "bpr-mf",
  summary: "matrix factorisation that ranks what a person met above what it did not",
  source: "Rendle et al. 2009, arXiv:1205.2618; a history's vector is found with the items' fixed",
  config,
  async fit({ sequences, count, seed, breathe, onProgress }, settings) {
    const { dim, epochs, learningRate } = settings;
    const random = stream(seed, "bpr-mf");
    const noise = (rows: number, name: string): Float32Array =>
      random.at(name).fillNormal(new Float32Array(rows * dim), 0.1);
    const factors: Learned = {
      users: noise(sequences.offsets.length - 1, "users"),
      items: noise(count, "items"),
      bias: new Float32Array(count),
    };
    const draw = tripleSampler(sequences, count, seed);
    const steps = epochs * sequences.sequence.length;
    for (let step = 0; step < steps; step++) {
      const triple = draw();
      if (triple) ascend(factors, triple, learningRate * (1 - step / steps), settings);
      if (step % 1000 === 0) await breathe?.();
      if (step % sequences.sequence.length === 0)
        onProgress?.(`bpr-mf: ${Math.round((100 * step) / steps)} %`);
    }
    const against = Int32Array.from({ length: Math.min(standIns, count) }, () => random.below(count));
    return {
      items: { data: factors.items, shape: [count, dim] },
      bias: { data: factors.bias, shape: [count] },
      against: { data: against, shape: [against.length] },
    };
  },
  scorer(state, _count, settings) {
    const { items, bias, vectorOf } = factorsOf(state, settings);
    return (history, scores) => {
      scores.set(bias.data as Float32Array);
      addProducts(vectorOf(history), items.data as Float32Array, scores);
    };
  },
  factors: factorsOf,
});
