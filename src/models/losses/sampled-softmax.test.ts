import { describe, expect, it } from "vitest";
import { backward } from "../../autodiff/gradient.ts";
import { Graph, type Value } from "../../graph/graph.ts";
import { gather, scalar } from "../../graph/ops/index.ts";
import { evaluateReference } from "../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import type { Loss } from "../define.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { sampledSoftmax } from "./sampled-softmax.ts";

const [tokens, items, width, scale] = [5, 9, 4, 1.7];
const arrays: Record<string, NdArray> = {
  h: ndarray([tokens, width], (i) => Math.sin(i + 1)),
  table: ndarray([items, width], (i) => Math.cos(2 * i)),
  target: ndarray([tokens], (t) => (2 * t) % items),
  weight: ndarray([tokens], (t) => (t + 1) / 15),
};

/** Loss and gradients of states and table. */
function evaluate<C>(
  loss: Loss<C>,
  config: C,
  drawn: readonly number[],
  correction: readonly number[],
): Record<string, NdArray> {
  const graph = new Graph();
  const h = graph.input("h", f32(tokens, width));
  const table = graph.input("table", f32(items, width));
  const candidates = { all: () => table, rows: (rows: Value) => gather(table, rows) };
  const total = loss.apply(
    {
      h,
      items: candidates,
      target: graph.input("target", i32(tokens)),
      weight: graph.input("weight", f32(tokens)),
      scale,
      negatives: {
        items: graph.input("drawn", i32(drawn.length)),
        correction: graph.input("correction", f32(drawn.length)),
      },
      count: items,
    },
    config,
  );
  graph.output("loss", total);
  const [dh, dt] = backward(total, [h, table], scalar(graph, 1));
  graph.output("dh", dh!);
  graph.output("dt", dt!);
  const given = { drawn: Float64Array.from(drawn), correction: Float64Array.from(correction) };
  const shape = [drawn.length];
  return evaluateReference(graph, {
    ...arrays,
    drawn: { data: given.drawn, shape },
    correction: { data: given.correction, shape },
  });
}

const draw = { negatives: 1, each: "step", from: "catalogue", popularity: 0, keepHits: false } as const;
const settings = (alpha: number | null) => ({ name: "sampled-softmax", ...draw, alpha }) as const;
const every = Array.from({ length: items }, (_, i) => i);

describe("the sampled softmax", () => {
  it("is the cross-entropy when every item is drawn once, gradients included", () => {
    const sampled = evaluate(
      sampledSoftmax,
      settings(null),
      every,
      every.map(() => 0),
    );
    const full = evaluate(crossEntropy, { name: "cross-entropy", chunk: 1024, smoothing: 0 }, [0], [0]);
    for (const name of ["loss", "dh", "dt"]) {
      full[name]!.data.forEach((v, i) => {
        expect(sampled[name]!.data[i]).toBeCloseTo(v, 12);
      });
    }
  });

  it.each([null, 1, 100])("is the SCE of its source with alpha %s, but for draws of the target", (alpha) => {
    const drawn = [1, 1, 3, 5];
    const uniform = drawn.map(() => Math.log(items / drawn.length));
    const factor = alpha ?? items / drawn.length;
    const score = (t: number, item: number): number => {
      let dot = 0;
      for (let c = 0; c < width; c++)
        dot += arrays.h!.data[t * width + c]! * arrays.table!.data[item * width + c]!;
      return scale * dot;
    };
    let expected = 0;
    for (let t = 0; t < tokens; t++) {
      const target = arrays.target!.data[t]!;
      const others = drawn.filter((item) => item !== target).map((item) => Math.exp(score(t, item)));
      const own = Math.exp(score(t, target));
      const sum = own + factor * others.reduce((a, b) => a + b, 0);
      expected -= arrays.weight!.data[t]! * Math.log(own / sum);
    }
    const { loss } = evaluate(sampledSoftmax, settings(alpha), drawn, uniform);
    expect(loss!.data[0]).toBeCloseTo(expected, 10);
  });
});
