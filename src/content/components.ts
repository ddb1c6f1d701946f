/**
 * @file The principal components of sparse rows by randomised subspace iteration (Halko, Martinsson & Tropp 2011,
 * arXiv:0909.4061, algorithm 4.4; here on A Aᵀ, so that no matrix as wide as the vocabulary is ever there whole).
 */

import { availableParallelism } from "node:os";
import { callInThread } from "../runtime/thread.ts";
import { stream } from "../tensor/random.ts";
import { type DenseProducts, denseProducts } from "./dense.ts";
import { symmetricEigen } from "./eigen.ts";
import { orthonormal } from "./orthonormal.ts";
import { type GramTask, gramProduct, type SparseRows, STRIP, sharedFloats, transposed } from "./sparse.ts";

export interface ComponentsOptions {
  /** The most components. */
  readonly dim: number;
  readonly seed: number;
  readonly threads?: number | undefined;
  /** Called with the share of the work that is done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

export interface Components {
  readonly dim: number;
  /** [N, dim], whitened: every column has mean 0 and variance 1, and no two are correlated. */
  readonly scores: Float32Array;
  /** [dim], large to small: the standard deviation that each column had. */
  readonly deviations: Float64Array;
  /** [N, dim]: scores = C A Aᵀ projection, for the rows A with the means taken off by C; its columns have mean 0. */
  readonly projection: Float32Array;
}

/** Columns beyond those wanted, which make the last ones sharper. */
const EXTRA = 16;
/** A component whose squared variance is this small beside the first one's is rounding. */
const NOTHING = 1e-6;
/** Products of so few multiplications are done at once, without a thread. */
const SMALL = 1e6;

/** Whitened principal components of centred rows; fewer than asked for where the rows have fewer. Deterministic. */
export async function principalComponents(
  matrix: SparseRows,
  options: ComponentsOptions,
): Promise<Components> {
  const { rows } = matrix;
  const width = Math.min(options.dim + EXTRA, rows);
  if (width < 2) {
    const none = new Float32Array(0);
    return { dim: 0, scores: none, deviations: new Float64Array(0), projection: none };
  }
  const dense = await denseProducts(width, options.threads);
  try {
    return await iterate(matrix, { ...options, width, dense });
  } finally {
    await dense.dispose();
  }
}

interface Iteration extends ComponentsOptions {
  readonly width: number;
  readonly dense: DenseProducts;
}

/** Left singular vectors of Y = K orthonormal(K Ω), where K = C A Aᵀ C: those of K² Ω, from the squares of Y. */
async function iterate(matrix: SparseRows, options: Iteration): Promise<Components> {
  const { width, dense, seed, onProgress } = options;
  const turned = transposed(matrix);
  const start = stream(seed, "components").fillNormal(sharedFloats(matrix.rows * width));
  const first = await gram({ matrix, turned }, start, options);
  onProgress?.(0.3);
  const basis = await orthonormal(first, width, dense);
  onProgress?.(0.4);
  const image = await gram({ matrix, turned }, basis, options);
  onProgress?.(0.6);
  const { values, vectors } = symmetricEigen(await dense.across(image, image), width);
  const found = values.findIndex((value) => !(value > NOTHING * values[0]!));
  const dim = Math.min(options.dim, found < 0 ? width : found);
  const turn = new Float32Array(dim * width);
  for (let c = 0; c < dim; c++) {
    const scale = Math.sqrt(matrix.rows / values[c]!);
    for (let i = c * width; i < (c + 1) * width; i++) turn[i] = vectors[i]! * scale;
  }
  const deviations = values.slice(0, dim).map((value) => Math.sqrt(Math.sqrt(value) / matrix.rows));
  const projection = await dense.times(basis, turn);
  return { dim, scores: await dense.times(image, turn), deviations, projection: centred(projection, dim) };
}

/** Takes from each column its mean, in place: [N, dim]. */
function centred(matrix: Float32Array, dim: number): Float32Array {
  const means = new Float64Array(dim);
  for (let row = 0; row < matrix.length; row += dim)
    for (let c = 0; c < dim; c++) means[c]! += matrix[row + c]!;
  for (let c = 0; c < dim; c++) means[c]! *= dim / matrix.length;
  for (let row = 0; row < matrix.length; row += dim)
    for (let c = 0; c < dim; c++) matrix[row + c]! -= means[c]!;
  return matrix;
}

/** C A Aᵀ C x, where C takes from each column its mean, in as many threads as there are. */
async function gram(
  { matrix, turned }: Pick<GramTask, "matrix" | "turned">,
  x: Float32Array,
  { width, threads }: Iteration,
): Promise<Float32Array> {
  const shared = x.buffer instanceof SharedArrayBuffer ? x : sharedFloats(x.length);
  if (shared !== x) shared.set(x);
  const y = sharedFloats(x.length);
  const strips = Math.ceil(width / STRIP);
  const small = 2 * width * matrix.values.length < SMALL;
  const count = small ? 1 : Math.min(strips, threads ?? availableParallelism());
  const tasks = Array.from({ length: count }, (_, at): GramTask => {
    const [from, to] = [at, at + 1].map((part) => STRIP * Math.floor((strips * part) / count));
    return { matrix, turned, x: shared, y, width, from: from!, to: Math.min(width, to!) };
  });
  const module = new URL("./sparse.js", import.meta.url).href;
  if (small) gramProduct(tasks[0]!);
  else
    await Promise.all(
      tasks.map((argument) => callInThread<null>({ module, name: gramProduct.name, argument })),
    );
  return y;
}
