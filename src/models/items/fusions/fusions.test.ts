import { describe, expect, it } from "vitest";
import { Graph } from "../../../graph/graph.ts";
import { Params } from "../../../nn/params.ts";
import { evaluateReference } from "../../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../../tensor/ndarray.ts";
import { stream } from "../../../tensor/random.ts";
import { bool, f32 } from "../../../tensor/spec.ts";
import type { Fusion } from "./define.ts";
import { film } from "./film.ts";
import { gated } from "./gated.ts";
import { mergeAttention } from "./merge-attention.ts";
import { sequential } from "./sequential.ts";

type Arrays = Readonly<Record<string, NdArray>>;

const [rows, dim] = [5, 4];

/** A fusion of parts as wide as the result, by the labels of its parts, and noise for all weights. */
function fused(fusion: Fusion, labels: readonly string[], marked: readonly string[] = []) {
  const graph = new Graph();
  const parts = labels.map((label) => ({
    vectors: graph.input(label, f32(rows, dim)),
    known: marked.includes(label) ? graph.input(`${label}.known`, bool(rows, 1)) : null,
  }));
  graph.output("fused", fusion.apply(new Params(graph), parts, dim));
  const weights = Object.fromEntries(
    [...graph.params].map(([name, { value }]) => [name, noise(name, value.shape as number[])]),
  );
  return {
    weights,
    of: (feeds: Arrays): NdArray => evaluateReference(graph, { ...weights, ...feeds }).fused!,
  };
}

const noise = (name: string, shape: readonly number[]): NdArray => {
  const random = stream(9, name);
  return ndarray([...shape], () => random.normal());
};
const given: Arrays = Object.fromEntries(
  ["text", "image", "audio"].map((name) => [name, noise(name, [rows, dim])]),
);
const zero = ({ shape }: NdArray): NdArray => ndarray([...shape], () => 0);
const row = ({ data }: NdArray, r: number): number[] => [...data.subarray(r * dim, (r + 1) * dim)];

/** W·x + b. */
const mapped = (x: readonly number[], weights: Arrays, name: string): number[] => {
  const [w, b] = [weights[`${name}.weight`]!, weights[`${name}.bias`]!];
  return Array.from(b.data, (bias, c) =>
    x.reduce((sum, v, k) => sum + v * w.data[k * b.data.length + c]!, bias),
  );
};

/** The layer normalisation that parts share. */
function normal(x: readonly number[], weights: Arrays): number[] {
  const mean = x.reduce((a, b) => a + b) / dim;
  const deviation = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / dim + 1e-8);
  const [gain, bias] = ["gain", "bias"].map((name) => weights[`norm.${name}`]!.data);
  return x.map((v, c) => gain![c]! * ((v - mean) / deviation) + bias![c]!);
}

function expectRows(result: NdArray, wanted: (r: number) => readonly number[]): void {
  for (let r = 0; r < rows; r++)
    wanted(r).forEach((v, c) => {
      expect(result.data[r * dim + c]).toBeCloseTo(v, 10);
    });
}

describe("the first part of a fusion of two", () => {
  it("changes nothing of the second by FiLM without weights, where γ is 1 and β 0", () => {
    const { weights, of } = fused(film, ["text", "image"]);
    const names = ["film1.weight", "film1.bias"];
    const idle = Object.fromEntries(names.map((name) => [name, zero(weights[name]!)]));
    expectRows(of({ ...given, ...idle }), (r) =>
      mapped(normal(row(given.image!, r), weights), weights, "output"),
    );
    expect(of(given)).not.toEqual(of({ ...given, ...idle }));
  });

  it("halves the second where a gate has no weights", () => {
    const { weights, of } = fused(gated, ["text", "image"]);
    const names = ["part0.weight", "part0.bias"];
    const idle = Object.fromEntries(names.map((name) => [name, zero(weights[name]!)]));
    expectRows(of({ ...given, ...idle }), (r) => {
      const path = mapped(normal(row(given.image!, r), weights), weights, "part1");
      return mapped(
        path.map((v) => v / 2),
        weights,
        "output",
      );
    });
    expect(of(given)).not.toEqual(of({ ...given, ...idle }));
  });
});

describe("merge-attention", () => {
  it("does not know the order of its parts", () => {
    const { of } = fused(mergeAttention, ["text", "image", "audio"]);
    const turned = of({ text: given.audio!, image: given.text!, audio: given.image! });
    of(given).data.forEach((v, i) => {
      expect(turned.data[i]).toBeCloseTo(v, 10);
    });
  });
});

describe("the sequential fusion", () => {
  it("is a loop over the parts that a row has", () => {
    const labels = ["text", "image", "audio"];
    const { weights, of } = fused(sequential, labels, ["text", "image"]);
    const has = (r: number, m: number): boolean => m === 2 || ((r >> m) & 1) === 1; // all pairs of marks are there
    const marks = ["text", "image"].map((label, m) => [
      `${label}.known`,
      ndarray([rows, 1], (r) => Number(has(r, m))),
    ]);
    expectRows(of({ ...given, ...Object.fromEntries(marks) }), (r) => {
      let state = [...weights.state!.data];
      labels.forEach((label, m) => {
        if (!has(r, m)) return;
        const hidden = mapped(row(given[label]!, r), weights, `part${m}.inner`).map((v) => Math.max(0, v));
        state = mapped([...hidden, ...state], weights, `part${m}.outer`);
      });
      return state;
    });
  });
});
