import { describe, expect, it } from "vitest";
import { negativeSampler } from "../../data/negatives.ts";
import { evaluate, every, items, score, target, tokens, total, weighted } from "./objectives.fixture.ts";

const sigma = (x: number): number => 1 / (1 + Math.exp(-x));
const drawn = [1, 1, 3, 4, 7, 0];
/** Items of the tokens' histories. */
const histories = target.map((own, t) => [own, (own + 1) % items, 3 * t]);
const rules = ["none", "target", "history"] as const;
type Rule = (typeof rules)[number];

const counts = (rule: Rule, t: number, item: number): boolean =>
  rule === "none" || (rule === "target" ? item !== target[t] : !histories[t]!.includes(item));
const hits = target.flatMap((_, t) => drawn.map((item) => Number(histories[t]!.includes(item))));
const own = (t: number): number => score(t, target[t]!);

describe("objectives by hand", () => {
  /** The loss of a token whose draws that count are given. */
  const cases: Record<string, (t: number, draws: readonly number[]) => number> = {
    bce: (t, draws) => -Math.log(sigma(own(t))) - total(draws.map((k) => Math.log(1 - sigma(score(t, k))))),
    bpr: (t, draws) => -total(draws.map((k) => Math.log(sigma(own(t) - score(t, k))))) / drawn.length,
    nce: (t, draws) => {
      const shifted = (s: number): number => s - 10 - Math.log(drawn.length / items);
      const noise = total(draws.map((k) => Math.log(1 - sigma(shifted(score(t, k))))));
      return -Math.log(sigma(shifted(own(t)))) - noise;
    },
    sce: (t, draws) => {
      const z = Math.exp(own(t)) + 100 * total(draws.map((k) => Math.exp(score(t, k))));
      return Math.log(z) - own(t);
    },
    gbce: (t, draws) => {
      const a = drawn.length / (items - 1);
      const beta = a * (0.75 * (1 - 1 / a) + 1 / a);
      const against = total(draws.map((k) => Math.log(1 - sigma(score(t, k)))));
      return (-beta * Math.log(sigma(own(t))) - against) / (drawn.length + 1);
    },
    "sampled-softmax": (t, draws) => {
      const each = items / drawn.length;
      return Math.log(Math.exp(own(t)) + each * total(draws.map((k) => Math.exp(score(t, k))))) - own(t);
    },
  };

  it.each(Object.keys(cases).flatMap((name) => rules.map((rule) => [name, rule] as const)))(
    "%s without draws of: %s",
    (name, leaveOut) => {
      const expected = weighted((t) =>
        cases[name]!(
          t,
          drawn.filter((item) => counts(leaveOut, t, item)),
        ),
      );
      const shared = evaluate(name, { leaveOut }, { items: drawn, hits });
      expect(shared.loss.data[0]).toBeCloseTo(expected, 10);
      const repeated = Array.from({ length: tokens }, () => drawn).flat();
      const apart = evaluate(name, { leaveOut }, { items: repeated, each: "token", hits });
      for (const part of ["loss", "dh", "dt"] as const)
        apart[part].data.forEach((v, i) => {
          expect(v).toBeCloseTo(shared[part].data[i]!, 11);
        });
    },
  );

  it("draws that are left out move no vector", () => {
    // Item 7 is drawn and in every history, and no target.
    const known = target.flatMap(() => drawn.map((item) => Number(item === 7)));
    for (const name of Object.keys(cases)) {
      const { dt } = evaluate(name, { leaveOut: "history" }, { items: drawn, hits: known });
      expect([...dt.data.subarray(4 * 7, 4 * 8)], name).toEqual([0, 0, 0, 0]);
      expect(dt.data.subarray(4 * 3, 4 * 4).every((v) => v !== 0)).toBe(true);
    }
  });

  it.each([0, 0.3])("ce-eta with eta %d", (eta) => {
    const expected = weighted((t) => {
      const least = own(t) - eta * Math.abs(own(t)) - 1e-12;
      const reached = every.map((i) => score(t, i)).filter((s) => s >= least);
      return Math.log(total(reached.map(Math.exp))) - own(t);
    });
    expect(evaluate("ce-eta", { eta }).loss.data[0]).toBeCloseTo(expected, 11);
  });
});

describe("the softmax over drawn negatives", () => {
  const interactions = Int32Array.of(4, 1, 9, 2, 5, 1, 3, 2, 6);
  const batch = { target: Int32Array.from(target), weight: new Float32Array(tokens).fill(1) };
  const all = total([...interactions]);

  // Yi et al. 2019: s − log q, where q is how often the item is a target; K draws are expected to hold it K·q times.
  it.each(["batch", "both"] as const)("from the %s is corrected by log q", (from) => {
    const [draws, power] = [6, from === "batch" ? 0 : 0.5];
    const sampler = negativeSampler({
      items,
      draws,
      times: 1,
      counts: interactions,
      power,
      from,
      seed: 4,
    });
    const { items: sampled, correction } = sampler(2, batch);
    const inBatch = from === "batch" ? 6 : 3;
    const weights = every.map((item) => (interactions[item]! + 1) ** power);
    const expectedTimes = (item: number): number =>
      ((6 - inBatch) * weights[item]!) / total(weights) + (inBatch * interactions[item]!) / all;
    const expected = weighted((t) => {
      const others = [...sampled].filter((item) => item !== target[t]);
      const z = total(others.map((item) => Math.exp(score(t, item)) / expectedTimes(item)));
      return Math.log(Math.exp(own(t)) + z) - own(t);
    });
    const { loss } = evaluate("sampled-softmax", { from, popularity: power }, { items: sampled, correction });
    expect(loss.data[0]).toBeCloseTo(expected, 6); // the correction is float32
    expect([...sampled].filter((item) => target.includes(item)).length).toBeGreaterThanOrEqual(inBatch);
  });
});
