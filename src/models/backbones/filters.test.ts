import { describe, expect, it } from "vitest";
import { Graph, type Value } from "../../graph/graph.ts";
import { noDropout } from "../../nn/layers.ts";
import { Params } from "../../nn/params.ts";
import { evaluateReference } from "../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { stream } from "../../tensor/random.ts";
import { f32, i32, knownShape } from "../../tensor/spec.ts";
import type { Backbone } from "../define.ts";
import { bsarec } from "./bsarec.ts";
import { distances, type FilterKind, frequencies, inverseTransform, lowPass } from "./filters.ts";
import { fmlp } from "./fmlp.ts";

const random = stream(7, "filters");
const noise = (count: number): number[] => Array.from({ length: count }, () => random.normal());

type Complex = readonly [real: number, imaginary: number];
const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const turn = (angle: number): Complex => [Math.cos(angle), Math.sin(angle)];
const total = (values: readonly Complex[]): Complex =>
  values.reduce<Complex>(([a, b], [c, d]) => [a + c, b + d], [0, 0]);

/** The transform by its definition. */
const transform = (x: readonly number[]): Complex[] =>
  x.map((_, k) => total(x.map((v, t) => times([v, 0], turn((-2 * Math.PI * k * t) / x.length)))));

/** The real signal of a spectrum of which the frequencies up to the half are given; the others are their mirrors. */
function inverse(spectrum: readonly Complex[], length: number): number[] {
  const whole = Array.from({ length }, (_, k): Complex => {
    const [real, imaginary] = spectrum[Math.min(k, length - k)]!;
    return k === 0 || 2 * k === length ? [real, 0] : [real, 2 * k < length ? imaginary : -imaginary];
  });
  return whole.map(
    (_, t) => total(whole.map((v, k) => times(v, turn((2 * Math.PI * k * t) / length))))[0] / length,
  );
}

describe.each([7, 8])("filters of %d samples", (length) => {
  it("transform back what the definition transforms", () => {
    const x = noise(length);
    const count = frequencies(length);
    const spectrum = transform(x).slice(0, count);
    const column = [...spectrum.map(([real]) => real), ...spectrum.map(([, imaginary]) => imaginary)];
    const matrix = inverseTransform(length);
    x.forEach((v, t) => {
      const back = column.reduce((sum, c, k) => sum + c * matrix[t * column.length + k]!, 0);
      expect(back).toBeCloseTo(v, 12);
    });
  });

  it("keep the lowest frequencies of a ring", () => {
    const x = noise(length);
    const kernel = lowPass(length, 2);
    const places = distances(length, length, "circular");
    const spectrum = transform(x).map((v, k): Complex => (k < 2 ? v : [0, 0]));
    inverse(spectrum, length).forEach((v, t) => {
      const low = x.reduce((sum, value, s) => sum + value * kernel[places[t * length + s]!]!, 0);
      expect(low).toBeCloseTo(v, 12);
    });
  });

  it("give the last token the same on a ring as of the past", () => {
    const last = (kind: FilterKind): number[] => distances(length, length, kind).slice(-length);
    expect(last("causal")).toEqual(last("circular"));
  });
});

interface Traced {
  readonly params: Record<string, NdArray>;
  run(x: NdArray): NdArray;
}

/** One row of three tokens of padding and a history, with noisy parameters. */
function trace<C>(backbone: Backbone<C>, config: C, [length, width]: readonly [number, number]): Traced {
  const graph = new Graph();
  const input = {
    x: graph.input("x", f32(1, length, width)),
    position: graph.input("position", i32(1, length)),
    segment: graph.input("segment", i32(1, length)),
    maxLength: length,
    dropout: noDropout,
    block: (trace: () => Value) => trace(),
  };
  graph.output("y", backbone.apply(new Params(graph).at("model"), input, config));
  const params = Object.fromEntries(
    [...graph.params].map(([name, { value }]) => {
      const own = stream(3, name);
      return [name, ndarray(knownShape(value.shape, name), () => 0.5 * own.normal())];
    }),
  );
  const position = ndarray([1, length], (i) => length - 1 - i);
  const segment = ndarray([1, length], (i) => Number(i >= 3));
  return { params, run: (x) => evaluateReference(graph, { ...params, x, position, segment }).y! };
}

type Rows = readonly (readonly number[])[];
const columns = (rows: Rows): number[][] => rows[0]!.map((_, c) => rows.map((row) => row[c]!));
const plus = (a: Rows, b: Rows): number[][] => a.map((row, t) => row.map((v, c) => v + b[t]![c]!));
const gelu = (v: number): number => {
  // The share of a standard normal distribution below v, by Simpson's rule.
  const [steps, density] = [2000, (u: number): number => Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI)];
  const sum = Array.from({ length: steps + 1 }, (_, i) => {
    const share = i === 0 || i === steps ? 1 : i % 2 ? 4 : 2;
    return share * density((v * i) / steps);
  }).reduce((a, b) => a + b, 0);
  return v * (0.5 + (sum * v) / steps / 3);
};

/** The layers that both models are made of, by the names of their parameters. */
function layersOf(params: Record<string, NdArray>) {
  const p = (name: string): NdArray => params[`model.${name}`]!;
  const table = (name: string): number[][] => {
    const { data, shape } = p(name);
    return Array.from({ length: shape[0]! }, (_, i) => [
      ...data.subarray(i * shape[1]!, (i + 1) * shape[1]!),
    ]);
  };
  const norm = (rows: Rows, name: string): number[][] =>
    rows.map((row) => {
      const mean = row.reduce((a, b) => a + b, 0) / row.length;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
      const scale = 1 / Math.sqrt(variance + 1e-8);
      return row.map((v, c) => (v - mean) * scale * p(`${name}.gain`).data[c]! + p(`${name}.bias`).data[c]!);
    });
  const linear = (rows: Rows, name: string): number[][] => {
    const weight = table(`${name}.weight`);
    return rows.map((row) =>
      weight[0]!.map((_, j) =>
        row.reduce((sum, v, i) => sum + v * weight[i]![j]!, p(`${name}.bias`).data[j]!),
      ),
    );
  };
  const mlp = (rows: Rows, name: string): number[][] =>
    linear(
      linear(rows, `${name}.inner`).map((row) => row.map(gelu)),
      `${name}.outer`,
    );
  return { p, table, norm, linear, mlp };
}

const [length, width] = [8, 3];
const x = ndarray([1, length, width], () => random.normal());

/** Items and positions, normalised; the first three tokens are padding, whose items are zero. */
function embedded({ table, norm }: ReturnType<typeof layersOf>): number[][] {
  const places = table("position");
  const rows = Array.from({ length }, (_, t) =>
    Array.from(
      { length: width },
      (_, c) => (t < 3 ? 0 : x.data[t * width + c]!) + places[length - 1 - t]![c]!,
    ),
  );
  return norm(rows, "norm");
}

const check = (actual: NdArray, expected: Rows): void => {
  expected.flat().forEach((v, i) => {
    expect(actual.data[i]).toBeCloseTo(v, 8);
  });
};

describe("fmlp", () => {
  it("with circular filters is the product of spectra written out", () => {
    const config = fmlp.config.parse({ blocks: 1, hidden: 2, filter: "circular" }) as never;
    const { params, run } = trace(fmlp, config, [length, width]);
    const layers = layersOf(params);
    const rows = embedded(layers);
    const [real, imaginary] = [layers.table("block0.filter.real"), layers.table("block0.filter.imaginary")];
    const filtered = columns(rows).map((signal, c) =>
      inverse(
        transform(signal)
          .slice(0, frequencies(length))
          .map((v, k) => times(v, [real[k]![c]!, imaginary[k]![c]!])),
        length,
      ),
    );
    const mixed = layers.norm(plus(rows, columns(filtered)), "block0.norm1");
    check(run(x), layers.norm(plus(mixed, layers.mlp(mixed, "block0.mlp")), "block0.norm2"));
  });
});

describe("bsarec", () => {
  it("with circular filters is the paper's block written out", () => {
    const settings = { blocks: 1, hidden: 2, filter: "circular", cutoff: 3, filterShare: 0.6 };
    const { params, run } = trace(bsarec, bsarec.config.parse(settings) as never, [length, width]);
    const layers = layersOf(params);
    const rows = embedded(layers);
    const low = columns(
      columns(rows).map((signal) =>
        inverse(
          transform(signal).map((v, k): Complex => (k < 2 ? v : [0, 0])),
          length,
        ),
      ),
    );
    const beta = layers.p("block0.beta").data;
    const rescaled = low.map((row, t) => row.map((v, c) => v + beta[c]! ** 2 * (rows[t]![c]! - v)));
    const filtered = layers.norm(plus(rows, rescaled), "block0.norm1");
    const [query, key, value] = ["query", "key", "value"].map((part) =>
      layers.linear(rows, `block0.attention.${part}`),
    ) as unknown as [Rows, Rows, Rows];
    const seen = query.map((q, t) => {
      const visible = [...rows.keys()].filter((s) => s <= t && s < 3 === t < 3);
      const scores = visible.map((s) =>
        Math.exp(q.reduce((sum, v, c) => sum + v * key[s]![c]!, 0) / Math.sqrt(width)),
      );
      const all = scores.reduce((a, b) => a + b, 0);
      return q.map((_, c) => visible.reduce((sum, s, i) => sum + (scores[i]! / all) * value[s]![c]!, 0));
    });
    const attended = layers.norm(plus(rows, layers.linear(seen, "block0.attention.output")), "block0.norm2");
    const mixed = filtered.map((row, t) => row.map((v, c) => 0.6 * v + 0.4 * attended[t]![c]!));
    check(run(x), layers.norm(plus(mixed, layers.mlp(mixed, "block0.mlp")), "block0.norm3"));
  });
});
