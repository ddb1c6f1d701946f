import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../runtime/node.ts";
import { evaluateReference } from "../runtime/reference.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { numbers, typed } from "../tensor/spec.ts";
import { relativeError } from "../testing/check-op.ts";
import { recipeConfig } from "./recipes.ts";
import { trainStep } from "./train-step.ts";

interface Result {
  readonly loss: number;
  readonly gradients: Record<string, number[]>;
}
interface Fixture extends Record<"dot" | "cosine", Result> {
  readonly params: Record<string, { shape: number[]; data: number[] }>;
  readonly inputs: Record<string, number[]>;
}

// Made by fixtures/pytorch_sasrec.py, which writes the model down independently of this code.
const path = new URL("../../../fixtures/sasrec.json", import.meta.url);
const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;
const [rows, width] = [2, 8];

describe.each(["dot", "cosine"] as const)("SASRec with %s scores", (similarity) => {
  const config = recipeConfig({
    set: [
      { path: "items.dim", value: 8 },
      { path: "backbone.heads", value: 2 },
      { path: "backbone.blocks", value: 2 },
      { path: "backbone.dropout", value: 0 },
      { path: "backbone.hidden", value: 1 },
      { path: "backbone.activation", value: "relu" },
      { path: "scoring.similarity", value: similarity },
      { path: "scoring.temperature", value: 0.07 },
      { path: "training.maxLength", value: 6 },
      { path: "training.rowLength", value: width },
    ],
  });
  const step = trainStep(config, { items: 11, rows, width });
  const want = fixture[similarity];

  /** The dense part of a gradient and its rows, added up. */
  const whole = (param: string, outputs: Record<string, ArrayLike<number>>): Float64Array => {
    const { dense, rows: parts } = step.gradients.find((g) => g.param === param)!;
    const total = new Float64Array(fixture.params[param]!.data.length);
    if (dense) total.set(outputs[dense]!);
    for (const { indices, gradient } of parts) {
      const values = outputs[gradient]!;
      const size = values.length / outputs[indices]!.length;
      for (let k = 0; k < values.length; k++)
        total[outputs[indices]![Math.floor(k / size)]! * size + (k % size)]! += values[k]!;
    }
    return total;
  };

  const check = (outputs: Record<string, ArrayLike<number>>, tolerance: number): void => {
    expect(relativeError(outputs.loss!, [want.loss])).toBeLessThan(tolerance);
    expect(step.gradients.map((g) => g.param).sort()).toEqual(Object.keys(want.gradients).sort());
    for (const [param, gradient] of Object.entries(want.gradients)) {
      expect(relativeError(whole(param, outputs), gradient)).toBeLessThan(tolerance);
    }
  };

  it("has PyTorch's loss and gradients in float64", () => {
    const feeds: Record<string, NdArray> = {};
    for (const [name, { shape, data }] of Object.entries(fixture.params))
      feeds[name] = { shape, data: Float64Array.from(data) };
    for (const [name, data] of Object.entries(fixture.inputs))
      feeds[name] = { shape: [rows, width], data: Float64Array.from(data) };
    const outputs = evaluateReference(step.graph, feeds);
    check(Object.fromEntries(Object.entries(outputs).map(([name, x]) => [name, x.data])), 1e-9);
  });

  it("has them in ONNX Runtime, to float32", async () => {
    const program = await compile(step.graph, { params: "fed", threads: 2 });
    const { inputs, params } = step.graph;
    const outputs = await program.run({
      ...Object.fromEntries(
        [...params.keys()].map((n) => [
          n,
          { data: typed("float32", fixture.params[n]!.data), shape: fixture.params[n]!.shape },
        ]),
      ),
      ...Object.fromEntries(
        [...inputs].map(([n, v]) => [n, { data: typed(v.dtype, fixture.inputs[n]!), shape: [rows, width] }]),
      ),
    });
    check(Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, numbers(t.data)])), 1e-5);
    await program.dispose();
  });
});
