/** @file Products of tall matrices through the engine, stretch by stretch. */

import { Graph } from "../graph/graph.ts";
import { matmul } from "../graph/ops/index.ts";
import { compile } from "../runtime/node.ts";
import { f32 } from "../tensor/spec.ts";

/** Rows that go through the engine at once. */
const STRETCH = 2048;

export interface DenseProducts {
  /** xᵀ y: [N, M]ᵀ × [N, M] → [M, M], summed in float64. */
  across(x: Float32Array, y: Float32Array): Promise<Float64Array>;
  /** x tᵀ: [N, M] × [K, M]ᵀ → [N, K]. */
  times(x: Float32Array, t: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Products of matrices [N, width]. */
export async function denseProducts(width: number, threads: number | undefined): Promise<DenseProducts> {
  const across = new Graph();
  const left = across.input("x", f32("R", width));
  across.output("p", matmul(left, across.input("y", f32("R", width)), { transA: true }));
  const times = new Graph();
  const rows = times.input("x", f32("R", width));
  times.output("p", matmul(rows, times.input("t", f32("K", width)), { transB: true }));
  const programs = await Promise.all([across, times].map((graph) => compile(graph, { threads })));
  return {
    async across(x, y) {
      const sum = new Float64Array(width * width);
      for (const { feed, rows } of stretches(x, width)) {
        const other = { data: y.subarray(feed.from, feed.to), shape: [rows, width] };
        const { p } = await programs[0]!.run({ x: feed, y: other });
        for (let i = 0; i < sum.length; i++) sum[i]! += p!.data[i] as number;
      }
      return sum;
    },
    async times(x, t) {
      const columns = t.length / width;
      const result = new Float32Array((x.length / width) * columns);
      for (const { feed } of stretches(x, width)) {
        const { p } = await programs[1]!.run({ x: feed, t: { data: t, shape: [columns, width] } });
        result.set(p!.data as Float32Array, (feed.from / width) * columns);
      }
      return result;
    },
    dispose: async () => void (await Promise.all(programs.map((program) => program.dispose()))),
  };
}

function stretches(x: Float32Array, width: number) {
  const count = x.length / width;
  return Array.from({ length: Math.ceil(count / STRETCH) }, (_, at) => {
    const rows = Math.min(STRETCH, count - at * STRETCH);
    const from = at * STRETCH * width;
    const to = from + rows * width;
    return { rows, feed: { data: x.subarray(from, to), shape: [rows, width], from, to } };
  });
}
