import { describe, expect, it } from "vitest";
import type { Emitter, OpDef } from "../graph/op.ts";
import { operators } from "../graph/ops/index.ts";
import { add, mul, neg } from "../graph/ops/pointwise.ts";
import { checkOp, checkSample, type OpReport, tolerance } from "./check-op.ts";

/** Whether some sample breaks a law; the first that does is enough. */
async function isCaught(op: OpDef): Promise<boolean> {
  for (const [k, sample] of op.samples.entries()) {
    const passed = await checkSample(op, sample, `${op.name}/${k}`).then(passes, () => false);
    if (!passed) return true;
  }
  return false;
}

const passes = (r: OpReport): boolean =>
  r.forward <= tolerance.forward && r.gradient <= tolerance.gradient && r.backward <= tolerance.backward;

describe.each(operators.map((op) => [op.name, op] as const))("operator %s", (_, op) => {
  it("agrees with its float64 reference, central differences and ONNX Runtime", async () => {
    const report = await checkOp(op);
    expect(report.forward).toBeLessThanOrEqual(tolerance.forward);
    expect(report.gradient).toBeLessThanOrEqual(tolerance.gradient);
    expect(report.backward).toBeLessThanOrEqual(tolerance.backward);
  });

  it.each(mutantsOf(op))("the suite notices: %s", async (_name, mutant) => {
    expect(await isCaught(mutant)).toBe(true);
  });
});

/** 1 − x, or not x for truth values, in ONNX nodes that take any element type. */
function flipped(e: Emitter, name: string): string {
  const number = e.node("Cast", [name], { attributes: { to: 1 } })[0]!;
  return e.node("CastLike", [e.node("Sub", [e.constant("float32", [], [1]), number])[0]!, name])[0]!;
}

/** Whole numbers are off by one, since those of integer types are cut. */
const off = (v: number): number => v + (Number.isInteger(v) ? 1 : 1e-3);

/** Wrong versions of an operator; each must fail the laws, or the laws prove nothing. */
function mutantsOf(op: OpDef): [string, OpDef][] {
  const mutants: [string, OpDef][] = [
    [
      "a wrong reference value",
      {
        ...op,
        reference: (...args) => op.reference(...args).map((y) => ({ shape: y.shape, data: y.data.map(off) })),
      },
    ],
    [
      "a wrong shape rule",
      {
        ...op,
        infer: (...args) => op.infer(...args).map((spec) => ({ ...spec, shape: [...spec.shape, 1] })),
      },
    ],
    [
      "a wrong ONNX form",
      { ...op, lower: (e, ...args) => op.lower(e, ...args).map((name) => flipped(e, name)) },
    ],
  ];
  const rule = op.gradient;
  if (rule === "zero") return mutants;
  type Change = (g: ReturnType<typeof neg>) => ReturnType<typeof neg> | null;
  const changed = (change: Change): OpDef => ({
    ...op,
    gradient: (c) => rule(c).map((g) => (g === null ? null : change(g))),
  });
  mutants.push(
    ["a gradient off by a thousandth", changed((g) => mul(g, 1.001))],
    ["a negated gradient", changed(neg)],
    ["a forgotten gradient", changed(() => null)],
    ["a shifted gradient", changed((g) => add(g, 1e-3))],
  );
  return mutants;
}
