import { describe, expect, it } from "vitest";
import { ndarray } from "../../tensor/ndarray.ts";
import { resolveConfig } from "../config.ts";
import { trainStep } from "../train-step.ts";
import {
  evaluate,
  every,
  items,
  type Results,
  scale,
  score,
  table,
  target,
  total,
  weight,
  weighted,
  width,
} from "./objectives.fixture.ts";

const sigma = (x: number): number => 1 / (1 + Math.exp(-x));

function expectSame(a: Results, b: Results, digits = 11): void {
  for (const name of ["loss", "dh", "dt"] as const) {
    a[name].data.forEach((v, i) => {
      expect(b[name].data[i], name).toBeCloseTo(v, digits);
    });
  }
}

const otherItems = target.flatMap((own) => every.filter((item) => item !== own));
const everyOther = { items: otherItems, each: "token" } as const;

describe("objectives in the limits where they are their parents", () => {
  const full = evaluate("cross-entropy");
  const drawn = { items: [1, 1, 3, 5] };

  it("alpha 1 makes SCE the sampled softmax without correction, and alpha N/K the one with", () => {
    const corrected = { alpha: items / 4, leaveOut: "target" };
    for (const each of [
      drawn,
      { items: every.slice(0, 5).flatMap((i) => [i, 8 - i]), each: "token" } as const,
    ]) {
      const plain = { logQ: false, leaveOut: "none" };
      expectSame(evaluate("sce", { alpha: 1 }, each), evaluate("sampled-softmax", plain, each), 15);
    }
    expectSame(evaluate("sce", corrected, drawn), evaluate("sampled-softmax", {}, drawn));
  });

  it("every other item drawn once makes the sampled softmax, and SCE with alpha 1, the full softmax", () => {
    expectSame(evaluate("sce", { alpha: 1 }, everyOther), full);
    expectSame(evaluate("sce", { alpha: 1, leaveOut: "target" }, { items: every }), full);
    expectSame(evaluate("sampled-softmax", {}, { items: every }), full);
    expectSame(evaluate("sampled-softmax", { logQ: false }, everyOther), full);
  });

  it("draws have the same scores and gradients picked from those of all items as from rows of their own", () => {
    // Forty draws of nine items in all are picked; among a million the rows are read.
    for (const leaveOut of ["none", "target"])
      expectSame(
        evaluate("sce", { leaveOut }, { ...everyOther, count: 1_000_000 }),
        evaluate("sce", { leaveOut }, everyOther),
      );
  });

  it("every other item drawn once makes BCE and BPR what they are over the whole catalogue", () => {
    const others = (t: number): number[] => every.filter((item) => item !== target[t]);
    const one = weighted((t) => {
      const own = -Math.log(sigma(score(t, target[t]!)));
      return own - total(others(t).map((item) => Math.log(1 - sigma(score(t, item)))));
    });
    const pairs = weighted((t) => {
      const margins = others(t).map((item) => score(t, target[t]!) - score(t, item));
      return -total(margins.map((margin) => Math.log(sigma(margin)))) / margins.length;
    });
    expect(evaluate("bce", {}, everyOther).loss.data[0]).toBeCloseTo(one, 11);
    expect(evaluate("bpr", {}, everyOther).loss.data[0]).toBeCloseTo(pairs, 11);
  });

  it("a single draw makes BPR the sampled softmax of two", () => {
    const single = { items: [1, 3, 5, 7, 0], each: "token" } as const;
    expectSame(evaluate("bpr", {}, single), evaluate("sampled-softmax", { logQ: false }, single));
  });

  it("n = N makes CE-n, and a large eta CE-eta, the full softmax", () => {
    expectSame(evaluate("ce-n", { first: items }), full);
    expectSame(evaluate("ce-eta", { eta: 1e6 }), full);
  });

  it.each(target.map((_, t) => t))(
    "eta 0 makes CE-eta of token %d CE-n with n its target's rank",
    (token) => {
      const weight = target.map((_, t) => Number(t === token));
      const first = every.filter((item) => score(token, item) >= score(token, target[token]!)).length;
      expectSame(evaluate("ce-eta", { eta: 0 }, { weight }), evaluate("ce-n", { first }, { weight }));
    },
  );

  it("calibration 0, or every other item, makes gBCE the binary loss over K + 1", () => {
    const scaled = (by: number, r: Results): Results =>
      Object.fromEntries(
        Object.entries(r).map(([k, x]) => [k, ndarray(x.shape, (i) => by * x.data[i]!)]),
      ) as Results;
    const drawn = { items: [1, 1, 3] };
    expectSame(evaluate("gbce", { calibration: 0 }, drawn), scaled(1 / 4, evaluate("bce", {}, drawn)));
    expectSame(
      evaluate("gbce", { calibration: 1 }, everyOther),
      scaled(1 / 9, evaluate("bce", {}, everyOther)),
    );
  });

  it("a hundred times as much noise brings the slope of NCE to that of s⁺ − e^(−c)·Σ e^s", () => {
    const [drawn, c] = [Array.from({ length: 100 * items }, (_, k) => k % items), 6];
    const { dh } = evaluate("nce", { normaliser: c }, { items: drawn });
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

describe("wrong combinations", () => {
  it.each([
    [
      { name: "sce", negatives: 60 },
      "loss.negatives is 60, but there are only 50 items; set it to at most that",
    ],
    [{ name: "ce-n", first: 60 }, "loss.first is 60, but there are only 50 items; set it to at most that"],
    [
      { name: "sampled-softmax", negatives: 49, from: "targets" },
      'loss.negatives is 49, but with loss.from "targets" a step may have 50 of them; set it to at least that',
    ],
  ])("%j is refused once the catalogue is known", (loss, message) => {
    const config = resolveConfig({ loss, items: { start: "noise" } });
    expect(() => trainStep(config, { items: 50, rows: 1, width: 64 })).toThrow(message);
  });

  const idle =
    'setting "loss.popularity" cannot be 0.5: with loss.from "batch" nothing is drawn by it; set it to 0 or loss.from to "both"';
  const halved =
    'setting "loss.negatives" cannot be 1: loss.from "both" needs at least 2, one from the catalogue and one from the batch';
  it.each<readonly [loss: object, message: string]>([
    ...["sampled-softmax", "sce", "bce", "bpr"].flatMap((name) => [
      [{ name, from: "batch", popularity: 0.5 }, idle] as const,
      [{ name, from: "both", negatives: 1 }, halved] as const,
    ]),
    [{ name: "bce", from: "both" }, 'setting "loss.negatives" cannot be its default: loss.from "both" needs'],
    [
      { name: "sce", from: "targets", each: "token" },
      'setting "loss.each" cannot be "token": loss.from "targets" is one draw for all tokens of a step',
    ],
    [{ name: "nce", from: "batch" }, 'there is no setting "loss.from"'],
    [{ name: "gbce", popularity: 1 }, 'there is no setting "loss.popularity"'],
    [{ name: "cross-entropy", negatives: 100 }, 'there is no setting "loss.negatives"'],
    [{ name: "sampled-softmax", alpha: 100 }, 'there is no setting "loss.alpha"'],
    [{ name: "sce", alpha: 0 }, 'setting "loss.alpha" cannot be 0: Too small'],
    [{ name: "cross-entropy", smoothing: 1 }, 'setting "loss.smoothing" cannot be 1: Too big'],
  ])("%j is refused as a setting", (loss, message) => {
    expect(() => resolveConfig({ loss })).toThrow(message);
  });
});
