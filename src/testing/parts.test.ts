import { describe, expect, it } from "vitest";
import { add, mean, mul } from "../graph/ops/index.ts";
import { type Backbone, defineBackbone } from "../models/define.ts";
import { parts } from "../models/parts.ts";
import { checkBackbone } from "./check-backbone.ts";
import { checkLoss, checkOptimizer, checkStretches } from "./check-parts.ts";

/** Sums in another order may differ by rounding of float64. */
const rounding = 1e-9;

/** Settings beside the defaults that the laws are checked with. */
const variants: Readonly<Record<string, readonly object[]>> = {
  sasrec: [
    { blocks: 1, heads: 4, hidden: 2, activation: "gelu" },
    { activation: "silu", heads: 2, position: "rotary" },
    { position: "sinusoidal", norm: "post" },
    { position: "none" },
  ],
  bert4rec: [{ blocks: 1, heads: 1, hidden: 2, norm: "pre", head: "none" }],
  gru4rec: [{ layers: 2, hidden: 1.5 }],
  hstu: [{ blocks: 1, heads: 2 }, { times: "past" }, { times: "next", blocks: 1 }],
  ligr: [{ blocks: 1, heads: 4, hidden: 1 }],
  fmlp: [{ blocks: 1, filter: "causal", hidden: 2 }, { filter: "circular" }],
  bsarec: [
    { blocks: 1, heads: 2, cutoff: 3 },
    { filter: "circular", cutoff: 2 },
  ],
};

describe.each(parts.backbone.map((b) => [b.name, b as Backbone] as const))(
  "backbone %s",
  (name, backbone) => {
    it.each([{}, ...variants[name]!])("keeps its laws with %j", (settings) => {
      const config = backbone.config.parse({ name: backbone.name, ...settings });
      const report = checkBackbone(backbone, config);
      if (backbone.needs?.(config).sees === "all") expect(report.future).toBeGreaterThan(1e-6);
      else expect(report.future).toBe(0);
      expect(report.strangers).toBe(0);
      expect(report.place).toBeLessThan(rounding);
      expect(report.past).toBeGreaterThan(1e-6);
      expect(report.slope).toBeLessThan(1e-7);
    });
  },
);

describe("the backbone laws", () => {
  const planted = (apply: Backbone["apply"]): Backbone =>
    defineBackbone({
      name: "planted",
      source: "",
      config: parts.backbone[0]!.config,
      dropout: () => 0,
      apply,
    });

  it("notice a leak from the future and from strangers", () => {
    const report = checkBackbone(
      planted((_, { x }) => add(x, mean(x, [1], { keep: true }))),
      {},
    );
    expect(report.future).toBeGreaterThan(1e-3);
    expect(report.strangers).toBeGreaterThan(1e-3);
    expect(report.place).toBeGreaterThan(1e-3);
  });

  it("notice a backbone without memory", () => {
    expect(
      checkBackbone(
        planted((_, { x }) => mul(x, 2)),
        {},
      ).past,
    ).toBe(0);
  });
});

describe.each(parts.loss.map((l) => [l.name, l] as const))("loss %s", (_, loss) => {
  const small = loss.sampling ? { negatives: 5 } : loss.name === "ce-n" ? { first: 4 } : {};
  const variants = loss.sampling
    ? ["none", "target", "history"].flatMap((leaveOut) =>
        ["step", "token"].map((each) => ({ leaveOut, each })),
      )
    : [{}];
  const cases = variants.flatMap((variant) =>
    [1, 3].map((scale) => [{ ...small, ...variant }, scale] as const),
  );
  it.each(cases)("has the right slope and prefers the target, with %j and scale %d", (settings, scale) => {
    const config = loss.config.parse({ name: loss.name, ...settings }) as never;
    const report = checkLoss(loss, config, scale);
    expect(report.slope).toBeLessThan(1e-7);
    expect(report.preference).toBeLessThan(0);
    expect(report.padding).toBe(0);
  });
});

describe.each(parts.optimizer.map((o) => [o.name, o] as const))("optimizer %s", (_, optimizer) => {
  it("finds the minimum of a badly scaled parabola", () => {
    expect(checkOptimizer(optimizer, optimizer.config.parse({ name: optimizer.name }) as never)).toBeLessThan(
      1e-3,
    );
  });

  it.runIf(optimizer.elementwise)(
    "gives the same bits whether a parameter comes whole or in stretches",
    () => {
      expect(checkStretches(optimizer, optimizer.config.parse({ name: optimizer.name }) as never)).toBe(0);
    },
  );
});
