import { describe, expect, it } from "vitest";
import { Graph, type Value } from "../../graph/graph.ts";
import { noDropout } from "../../nn/layers.ts";
import { Params } from "../../nn/params.ts";
import { evaluateReference } from "../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { stream } from "../../tensor/random.ts";
import { f32, i32, knownShape } from "../../tensor/spec.ts";
import type { Backbone } from "../define.ts";
import { gru4rec } from "./gru4rec.ts";
import { hstu } from "./hstu.ts";
import { sasrec } from "./sasrec.ts";

interface Traced {
  readonly params: Record<string, NdArray>;
  run(x: NdArray): NdArray;
}

/** When the items of the row were met, and when the one after each is asked for. */
const met = [-100_000, -400, -3, -2];
const asked = [-400, -3, -2, 0];

/** One history of all tokens of a row, with noisy parameters. */
function trace<C>(backbone: Backbone<C>, config: C, [length, width]: readonly [number, number]): Traced {
  const graph = new Graph();
  const timed = (backbone.needs?.(config).times ?? "none") !== "none";
  const input = {
    x: graph.input("x", f32(1, length, width)),
    position: graph.input("position", i32(1, length)),
    segment: graph.input("segment", i32(1, length)),
    ...(timed && {
      times: { met: graph.input("met", i32(1, length)), asked: graph.input("asked", i32(1, length)) },
    }),
    maxLength: length,
    dropout: noDropout,
    block: (trace: () => Value) => trace(),
  };
  graph.output("y", backbone.apply(new Params(graph).at("model"), input, config));
  const params: Record<string, NdArray> = {};
  for (const [name, { value }] of graph.params) {
    const random = stream(3, name);
    params[name] = ndarray(knownShape(value.shape, name), () => 0.5 * random.normal());
  }
  const position = ndarray([1, length], (i) => length - 1 - i);
  const segment = ndarray([1, length], 1);
  const times = { met: ndarray([1, length], (i) => met[i]!), asked: ndarray([1, length], (i) => asked[i]!) };
  return { params, run: (x) => evaluateReference(graph, { ...params, x, position, segment, ...times }).y! };
}

const noise = (shape: readonly number[]): NdArray => {
  const random = stream(5, "x");
  return ndarray(shape, () => random.normal());
};

/** x [n] times the matrix [n, m], plus b. */
const affine = (x: readonly number[], { data, shape }: NdArray, b?: NdArray): number[] =>
  Array.from({ length: shape[1]! }, (_, j) =>
    x.reduce((total, v, i) => total + v * data[i * shape[1]! + j]!, b?.data[j] ?? 0),
  );
const sigma = (v: number): number => 1 / (1 + Math.exp(-v));

describe("sasrec", () => {
  it("with scale is itself over items times the square root of their width", () => {
    const of = (settings: object) => trace(sasrec, sasrec.config.parse(settings) as never, [4, 6]);
    const x = noise([1, 4, 6]);
    const larger = ndarray([1, 4, 6], (i) => x.data[i]! * Math.sqrt(6));
    const [plain, scaled] = [of({}), of({ scale: true })];
    const expected = plain.run(larger).data;
    scaled.run(x).data.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 5);
    });
    expect(Math.abs(expected[0]! - plain.run(x).data[0]!)).toBeGreaterThan(0.01);
  });
});

describe("gru4rec", () => {
  it("is the recurrence written out", () => {
    const [length, width, hidden] = [5, 3, 6];
    const { params, run } = trace(gru4rec, gru4rec.config.parse({ hidden: 2 }) as never, [length, width]);
    const x = noise([1, length, width]);
    const p = (name: string): NdArray => params[`model.${name}`]!;
    let h = new Array<number>(hidden).fill(0);
    const expected = Array.from({ length }, (_, t) => {
      const token = [...x.data.subarray(t * width, (t + 1) * width)];
      const projected = affine(token, p("layer0.input.weight"), p("layer0.input.bias"));
      const [xr, xz, xc] = [0, 1, 2].map((k) => projected.slice(k * hidden, (k + 1) * hidden));
      const r = affine(h, p("layer0.reset")).map((v, i) => sigma(v + xr![i]!));
      const z = affine(h, p("layer0.update")).map((v, i) => sigma(v + xz![i]!));
      const kept = h.map((v, i) => r[i]! * v);
      const c = affine(kept, p("layer0.candidate")).map((v, i) => Math.tanh(v + xc![i]!));
      h = h.map((v, i) => (1 - z[i]!) * v + z[i]! * c[i]!);
      return affine(h, p("output.weight"), p("output.bias"));
    }).flat();
    run(x).data.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 10);
    });
  });
});

describe("hstu", () => {
  it.each(["none", "next"] as const)("is the layer written out, with times: %s", (times) => {
    const [length, width] = [4, 3];
    const config = hstu.config.parse({ blocks: 1, times }) as never;
    const { params, run } = trace(hstu, config, [length, width]);
    const x = noise([1, length, width]);
    const p = (name: string): NdArray => params[`model.${name}`]!;
    const norm = (row: readonly number[]): number[] => {
      const mean = row.reduce((a, b) => a + b, 0) / row.length;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
      return row.map((v) => (v - mean) / Math.sqrt(variance + 1e-6));
    };
    const silu = (v: number): number => v * sigma(v);
    const rows = Array.from({ length }, (_, t) =>
      Array.from({ length: width }, (_, c) => {
        const place = p("position").data[(length - 1 - t) * width + c]!;
        return Math.sqrt(width) * x.data[t * width + c]! + place;
      }),
    );
    const parts = rows.map((row) => {
      const all = affine(norm(row), p("block0.input.weight"), p("block0.input.bias")).map(silu);
      return [0, 1, 2, 3].map((k) => all.slice(k * width, (k + 1) * width));
    });
    const expected = rows.flatMap((row, i) => {
      const seen = new Array<number>(width).fill(0);
      for (let j = 0; j <= i; j++) {
        const product = parts[i]![2]!.reduce((total, v, c) => total + v * parts[j]![3]![c]!, 0);
        const bucket = Math.floor(Math.log(Math.max(1, asked[i]! - met[j]!)) / 0.301);
        const time = times === "next" ? p("block0.time").data[bucket]! : 0;
        const share = silu(product + p("block0.distance").data[i - j]! + time) / length;
        for (let c = 0; c < width; c++) seen[c]! += share * parts[j]![1]![c]!;
      }
      const gated = norm(seen).map((v, c) => v * parts[i]![0]![c]!);
      const update = affine(gated, p("block0.output.weight"), p("block0.output.bias"));
      return row.map((v, c) => v + update[c]!);
    });
    run(x).data.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 9);
    });
  });
});
