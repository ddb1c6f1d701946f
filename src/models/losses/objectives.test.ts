import { describe, expect, it } from "vitest";
import { backward } from "../../autodiff/gradient.ts";
import { Graph, type Value } from "../../graph/graph.ts";
import { gather, scalar } from "../../graph/ops/index.ts";
import { evaluateReference } from "../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import { partOf, resolveConfig } from "../config.ts";
import { drawnShape, type Loss } from "../define.ts";
import { trainStep } from "../train-step.ts";

const [tokens, items, width, scale] = [5, 9, 4, 1.7];
const target = [0, 2, 4, 6, 8];
const weight = Array.from({ length: tokens }, (_, t) => (t + 1) / 15);
const h = ndarray([tokens, width], (i) => Math.sin(i + 1));
const table = ndarray([items, width], (i) => Math.cos(2 * i));
const every = Array.from({ length: items }, (_, i) => i);
const score = (t: number, item: number): number =>
  scale *
  Array.from({ length: width }, (_, c) => h.data[t * width + c]! * table.data[item * width + c]!).reduce(
    (a, b) => a + b,
  );
const weighted = (of: (t: number) => number): number => weight.reduce((total, w, t) => total + w * of(t), 0);
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const sigma = (x: number): number => 1 / (1 + Math.exp(-x));

/** Loss and gradients of states and table; `drawn` is one draw for all tokens, or one after the other for each. */
function evaluate(name: string, settings: object = {}, drawn: readonly number[] = [], perToken = false) {
  const loss = partOf("loss", name) as Loss;
  const draws = perToken ? drawn.length / tokens : drawn.length;
  const drawing = loss.sampling ? { negatives: draws, each: perToken ? "token" : "step" } : {};
  const config = loss.config.parse({ name, ...drawing, ...settings });
  const sampling = loss.sampling?.(config) ?? null;
  const shape = sampling ? drawnShape(sampling, tokens) : [];
  const graph = new Graph();
  const states = graph.input("h", f32(tokens, width));
  const vectors = graph.input("table", f32(items, width));
  const value = loss.apply(
    {
      h: states,
      items: { all: () => vectors, rows: (rows: Value) => gather(vectors, rows) },
      target: graph.input("target", i32(tokens)),
      weight: graph.input("weight", f32(tokens)),
      scale,
      negatives: sampling && {
        items: graph.input("drawn", i32(...shape)),
        correction: graph.input("correction", f32(...shape)),
      },
      count: items,
    },
    config,
  );
  graph.output("loss", value);
  const [dh, dt] = backward(value, [states, vectors], scalar(graph, 1));
  graph.output("dh", dh!);
  graph.output("dt", dt!);
  const given = sampling && {
    drawn: { data: Float64Array.from(drawn), shape },
    correction: ndarray(shape, () => Math.log(items / draws)),
  };
  const vector = (data: readonly number[]): NdArray => ({ data: Float64Array.from(data), shape: [tokens] });
  const feeds = { h, table, target: vector(target), weight: vector(weight), ...given };
  return evaluateReference(graph, feeds) as Record<"loss" | "dh" | "dt", NdArray>;
}

type Results = ReturnType<typeof evaluate>;
function expectSame(a: Results, b: Results, digits = 11): void {
  for (const name of ["loss", "dh", "dt"] as const)
    a[name].data.forEach((v, i) => {
      expect(b[name].data[i], name).toBeCloseTo(v, digits);
    });
}

describe("objectives in the limits where they are their parents", () => {
  const full = evaluate("cross-entropy");

  it("every other item drawn once with alpha 1 makes SCE the full softmax", () => {
    const others = target.flatMap((own) => every.filter((item) => item !== own));
    expectSame(evaluate("sce", { alpha: 1 }, others, true), full);
    expectSame(evaluate("sce", { alpha: 1, keepHits: false }, every), full);
  });

  it("alpha N/K makes SCE the sampled softmax", () => {
    const drawn = [1, 1, 3, 5];
    expectSame(
      evaluate("sce", { alpha: items / 4, keepHits: false }, drawn),
      evaluate("sampled-softmax", {}, drawn),
    );
  });

  it("n = N makes CE-n, and a large eta CE-eta, the full softmax", () => {
    expectSame(evaluate("ce-n", { first: items }), full);
    expectSame(evaluate("ce-eta", { eta: 1e6 }), full);
  });

  it("calibration 0, or every other item, makes gBCE the binary loss over K + 1", () => {
    const scaled = (by: number, r: Results): Results =>
      Object.fromEntries(
        Object.entries(r).map(([k, x]) => [k, ndarray(x.shape, (i) => by * x.data[i]!)]),
      ) as Results;
    const drawn = [1, 1, 3];
    expectSame(evaluate("gbce", { calibration: 0 }, drawn), scaled(1 / 4, evaluate("bce", {}, drawn)));
    const others = target.flatMap((own) => every.filter((item) => item !== own));
    expectSame(
      evaluate("gbce", { calibration: 1 }, others, true),
      scaled(1 / 9, evaluate("bce", {}, others, true)),
    );
  });

  it("a hundred times as much noise brings the slope of NCE to that of s⁺ − e^(−c)·Σ e^s", () => {
    const [drawn, c] = [Array.from({ length: 100 * items }, (_, k) => k % items), 6];
    const { dh } = evaluate("nce", { normaliser: c }, drawn);
    dh.data.forEach((v, i) => {
      const [t, column] = [Math.floor(i / width), i % width];
      const at = (item: number): number => scale * table.data[item * width + column]!;
      const sum = total(every.map((item) => at(item) * Math.exp(score(t, item) - c)));
      expect(Math.abs(v - weight[t]! * (sum - at(target[t]!)))).toBeLessThan(0.01);
    });
  });

  it("no smoothing is no smoothing, and smoothing is a mean over goals", () => {
    expectSame(evaluate("cross-entropy", { smoothing: 0 }), full);
    const logZ = (t: number): number => Math.log(total(every.map((item) => Math.exp(score(t, item)))));
    const smooth = weighted((t) => {
      const goals = every.map((item) => 0.1 / items + (item === target[t] ? 0.9 : 0));
      return total(goals.map((goal, item) => goal * (logZ(t) - score(t, item))));
    });
    expect(evaluate("cross-entropy", { smoothing: 0.1 }).loss.data[0]).toBeCloseTo(smooth, 11);
  });
});

describe("objectives by hand", () => {
  const drawn = [1, 1, 3, 4, 7];
  const draws = (t: number, keep: boolean): number[] => drawn.filter((item) => keep || item !== target[t]);
  const cases: Record<string, (t: number, keep: boolean) => number> = {
    bce: (t, keep) =>
      -Math.log(sigma(score(t, target[t]!))) -
      total(draws(t, keep).map((k) => Math.log(1 - sigma(score(t, k))))),
    bpr: (t, keep) =>
      -total(draws(t, keep).map((k) => Math.log(sigma(score(t, target[t]!) - score(t, k))))) / drawn.length,
    nce: (t, keep) => {
      const shifted = (k: number): number => score(t, k) - 10 - Math.log(drawn.length / items);
      return (
        -Math.log(sigma(shifted(target[t]!))) -
        total(draws(t, keep).map((k) => Math.log(1 - sigma(shifted(k)))))
      );
    },
    sce: (t, keep) => {
      const z =
        Math.exp(score(t, target[t]!)) + 100 * total(draws(t, keep).map((k) => Math.exp(score(t, k))));
      return Math.log(z) - score(t, target[t]!);
    },
    gbce: (t, keep) => {
      const a = drawn.length / (items - 1);
      const beta = a * (0.75 * (1 - 1 / a) + 1 / a);
      const against = total(draws(t, keep).map((k) => Math.log(1 - sigma(score(t, k)))));
      return (-beta * Math.log(sigma(score(t, target[t]!))) - against) / (drawn.length + 1);
    },
  };
  it.each(Object.keys(cases).flatMap((name) => [false, true].map((keep) => [name, keep] as const)))(
    "%s with keepHits %s",
    (name, keepHits) => {
      const expected = weighted((t) => cases[name]!(t, keepHits));
      expect(evaluate(name, { keepHits }, drawn).loss.data[0]).toBeCloseTo(expected, 10);
      const each = Array.from({ length: tokens }, () => drawn).flat();
      expectSame(evaluate(name, { keepHits }, each, true), evaluate(name, { keepHits }, drawn));
    },
  );

  it.each([0, 0.3])("ce-eta with eta %d", (eta) => {
    const expected = weighted((t) => {
      const own = score(t, target[t]!);
      const reached = every.map((i) => score(t, i)).filter((s) => s >= own - eta * Math.abs(own) - 1e-12);
      return Math.log(total(reached.map(Math.exp))) - own;
    });
    expect(evaluate("ce-eta", { eta }).loss.data[0]).toBeCloseTo(expected, 11);
  });

  it("CE-n lies between the logarithm of the rank and the full softmax from the target's rank on", () => {
    const rank = (t: number): number => every.filter((i) => score(t, i) >= score(t, target[t]!)).length;
    const worst = Math.max(...target.map((_, t) => rank(t)));
    const bounds = weighted((t) => Math.log(rank(t)));
    const [tight, full] = [{ first: worst }, { first: items }].map((s) => evaluate("ce-n", s).loss.data[0]!);
    expect(tight).toBeGreaterThanOrEqual(bounds);
    expect(weighted((t) => Math.log(Math.log2(1 + rank(t))))).toBeLessThanOrEqual(bounds);
    expect(tight).toBeLessThanOrEqual(full! + 1e-12);
  });
});

describe("the slope of SCE along the score of a draw", () => {
  it.each([1, 100])("is alpha·e^s over the sum, with alpha %d", (alpha) => {
    const drawn = [1, 3, 7]; // none is a target, so that the rows of the table get slopes of draws alone
    const { dt } = evaluate("sce", { alpha }, drawn);
    for (const item of drawn) {
      for (let c = 0; c < width; c++) {
        const expected = weighted((t) => {
          const draws = alpha * total(drawn.map((k) => Math.exp(score(t, k))));
          const share = (alpha * Math.exp(score(t, item))) / (Math.exp(score(t, target[t]!)) + draws);
          return share * scale * h.data[t * width + c]!;
        });
        expect(dt.data[item * width + c]).toBeCloseTo(expected, 11);
      }
    }
  });
});

describe("wrong combinations", () => {
  it.each([
    [
      { name: "sce", negatives: 60 },
      "loss.negatives is 60, but there are only 50 items; set it to at most that",
    ],
    [{ name: "ce-n", first: 60 }, "loss.first is 60, but there are only 50 items; set it to at most that"],
  ])("%j is refused", (loss, message) => {
    const config = resolveConfig({ loss, items: { start: "noise" } });
    expect(() => trainStep(config, { items: 50, rows: 1, width: 64 })).toThrow(message);
  });
});
