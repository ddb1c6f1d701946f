/** @file The inverse of a large positive definite matrix, block by block through the engine. */
import { Graph } from "../../graph/graph.ts";
import { matmul, sub } from "../../graph/ops/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { f32, type Tensor } from "../../tensor/spec.ts";

export interface InverseOptions {
  readonly runtime: Runtime;
  readonly threads: number;
  /** Columns eliminated together; default 384. */
  readonly block?: number;
  /** Rows updated together; default 1,024. */
  readonly panel?: number;
  /** Share of the work that is done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Replaces a symmetric positive definite matrix [N, N], row-major and best in shared memory, by its inverse: block
 * Gauss–Jordan elimination without pivots, 2·N³ operations in matrix products of the runtime.
 */
export async function invertPositive(
  matrix: Float32Array,
  size: number,
  options: InverseOptions,
): Promise<void> {
  const { runtime, threads, block = 384, panel = 1024, onProgress } = options;
  const graph = new Graph();
  const update = matmul(graph.input("columns", f32("R", "K")), graph.input("rows", f32("K", size)));
  graph.output("panel", sub(graph.input("given", f32("R", size)), update));
  const program = await runtime.compile(graph, { threads });
  /** given − columns·rows. */
  const subtract = async (
    given: Float32Array,
    columns: Float32Array,
    rows: Float32Array,
  ): Promise<Float32Array> => {
    const [height, width] = [given.length / size, rows.length / size];
    const feeds: Record<string, Tensor> = {
      columns: { data: columns, shape: [height, width] },
      rows: { data: rows, shape: [width, size] },
      given: { data: given, shape: [height, size] },
    };
    return (await program.run(feeds)).panel!.data as Float32Array;
  };
  try {
    for (let start = 0; start < size; start += block) {
      const width = Math.min(block, size - start);
      const inverse = invertSmall(matrix, size, start, width);
      const own = matrix.subarray(start * size, (start + width) * size);
      const product = await subtract(
        new Float32Array(own.length),
        inverse.map((v) => -v),
        own,
      );
      const rows = new Float32Array(new SharedArrayBuffer(product.byteLength));
      rows.set(product);
      for (let i = 0; i < width; i++)
        rows.set(inverse.subarray(i * width, (i + 1) * width), i * size + start);
      for (let from = 0; from < size; from += panel) {
        const given = matrix.subarray(from * size, Math.min(from + panel, size) * size);
        given.set(await subtract(given, takeColumns(given, size, start, width), rows));
      }
      own.set(rows);
      onProgress?.((start + width) / size);
    }
  } finally {
    await program.dispose();
  }
}

/** Columns start..start + width of a panel, which are left zero. */
function takeColumns(panel: Float32Array, size: number, start: number, width: number): Float32Array {
  const height = panel.length / size;
  const columns = new Float32Array(height * width);
  for (let i = 0; i < height; i++) {
    const part = panel.subarray(i * size + start, i * size + start + width);
    columns.set(part, i * width);
    part.fill(0);
  }
  return columns;
}

/** The inverse of a diagonal block [width, width], in float64. */
function invertSmall(matrix: Float32Array, size: number, start: number, width: number): Float32Array {
  const a = Float64Array.from({ length: width * width }, (_, k) => {
    const [i, j] = [Math.floor(k / width), k % width];
    return matrix[(start + i) * size + start + j]!;
  });
  for (let k = 0; k < width; k++) {
    const pivot = 1 / a[k * width + k]!;
    a[k * width + k] = 1;
    for (let j = 0; j < width; j++) a[k * width + j]! *= pivot;
    for (let i = 0; i < width; i++) {
      if (i === k) continue;
      const factor = a[i * width + k]!;
      a[i * width + k] = 0;
      for (let j = 0; j < width; j++) a[i * width + j]! -= factor * a[k * width + j]!;
    }
  }
  return Float32Array.from(a);
}
