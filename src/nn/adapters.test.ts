import { describe, expect, it } from "vitest";
import { Graph } from "../graph/graph.ts";
import { matmul, mean, mul } from "../graph/ops/index.ts";
import { ndarray } from "../tensor/ndarray.ts";
import { f32 } from "../tensor/spec.ts";
import { relativeError } from "../testing/check-op.ts";
import { slopeError } from "../testing/check-parts.ts";
import { adapters, lora, mergeLora } from "./adapt.ts";
import { disturb, feedsOf, network, noise, pictures, run } from "./networks.fixture.ts";

describe("adapters", () => {
  const after = ["enc.*", "mix.left", "h"] as const;

  it("changes nothing at the start", () => {
    const before = run(network());
    const adapted = run(adapters(network(), { size: 3, after }));
    for (const name of ["h", "loss"]) expect(adapted[name]!.data).toEqual(before[name]!.data);
  });

  it("adds one bottleneck behind each layer, named after what was matched", () => {
    const graph = adapters(network(), { size: 3, after });
    const added = [...graph.params.keys()].filter((name) => name.includes(".adapter."));
    const names = ["enc.0.weight", "enc.1.weight", "mix.left", "h"];
    const parts = ["down.weight", "down.bias", "up.weight", "up.bias"];
    expect(added).toEqual(names.flatMap((name) => parts.map((part) => `${name}.adapter.${part}`)));
    const changed = run(disturb(graph)).h!.data;
    expect(relativeError(changed, run(network()).h!.data)).toBeGreaterThan(1e-2);
  });

  it("has the gradients that differences show, along any axis", () => {
    for (const axis of [-1, 1]) {
      const graph = new Graph();
      const x = graph.input("x", f32(2, 3, 4));
      graph.output("y", matmul(x, graph.param("w", f32(4, 4), noise("w", [4, 4]))));
      const adapted = disturb(adapters(graph, { size: 2, after: "w", axis, activation: "silu" }));
      adapted.output("loss", mean(mul(adapted.value("y"), adapted.value("y"))));
      const { ids, target, ...feeds } = feedsOf(adapted);
      const values = { ...feeds, x: ndarray([2, 3, 4], (i) => Math.sin(i)) };
      expect(slopeError(adapted, values, "loss")).toBeLessThan(1e-8);
    }
  });

  it("stand along the channels behind convolutions", () => {
    const start = adapters(pictures(), { size: 2, after: "*" });
    expect(run(start).h!.data).toEqual(run(pictures()).h!.data);
    const down = [...start.params].filter(([name]) => name.endsWith("down.weight"));
    const shapes = Object.fromEntries(down.map(([name, { value }]) => [name.split(".")[0], value.shape]));
    expect(shapes).toEqual({ plain: [2, 4], depth: [2, 4], point: [2, 5], back: [2, 2] });
    expect(slopeError(disturb(start), feedsOf(start), "loss")).toBeLessThan(1e-7);
  });

  it("can stand behind layers that have low-rank updates, which still merge", () => {
    const graph = adapters(lora(network(), { rank: 2, targets: "enc.*" }), { size: 2, after: "enc.*" });
    const [before, after] = [disturb(graph), mergeLora(graph)].map(run);
    expect(relativeError(after!.h!.data, before!.h!.data)).toBeLessThan(1e-6);
  });

  it("says what is wrong with its options", () => {
    expect(() => adapters(network(), { size: 2, after: "enc.9.*" })).toThrow(
      'adapters: "enc.9.*" matches no layer or value; the nearest are ',
    );
    expect(() => adapters(network(), { size: 0, after: "h" })).toThrow(
      "adapters: the size must be a whole number above 0, not 0",
    );
    expect(() => adapters(network(), { size: 2, after: "h", axis: 0 })).toThrow(
      'adapters: behind "h" is f32[B*3, 6]; axis 0 needs a known size of floats',
    );
  });
});
