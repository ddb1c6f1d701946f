import { describe, expect, it } from "vitest";
import { gradient } from "../autodiff/gradient.ts";
import { readOnnx } from "../onnx/read.ts";
import { modelOf } from "../onnx/rules/model.fixture.ts";
import { f32 } from "../tensor/spec.ts";
import { freeze, trainable, unfreeze } from "./adapt.ts";
import { network } from "./networks.fixture.ts";

describe("frozen parameters", () => {
  it("are statistics and single numbers in files that are read", () => {
    const stored = (shape: number[]) =>
      ({ dtype: "float32", shape, values: [0.5, 2].slice(0, shape[0] ?? 1) }) as const;
    const bytes = modelOf({
      opset: 17,
      inputs: { x: f32("B", 2, 3) },
      initializers: Object.fromEntries(
        ["gain", "bias", "mean", "variance"]
          .map((name) => [name, stored([2])])
          .concat([["half", stored([])]]),
      ),
      nodes: [
        { type: "BatchNormalization", inputs: ["x", "gain", "bias", "mean", "variance"], outputs: ["n"] },
        { type: "Mul", inputs: ["n", "half"], outputs: ["y"] },
      ],
      outputs: ["y"],
    });
    const graph = readOnnx(bytes);
    expect(trainable(graph)).toEqual(["gain", "bias"]);
    expect([...graph.frozen]).toEqual(["mean", "variance", "half"]);
  });

  it("are not trainable, in copies too", () => {
    const graph = network();
    expect(freeze(graph, ["enc.*", /^mix/])).toEqual([
      "enc.0.weight",
      "enc.0.bias",
      "enc.1.weight",
      "enc.1.bias",
      "mix.left",
      "mix.turned",
    ]);
    expect(unfreeze(graph, "*.bias")).toHaveLength(2);
    const rest = ["items", "enc.0.bias", "enc.1.bias", "moved", "stacked"];
    expect(trainable(graph)).toEqual(rest);
    const derived = gradient(graph, { of: "loss", wrt: trainable(graph) });
    expect([...derived.outputs.keys()]).toEqual(["loss", ...rest.map((name) => `d/${name}`)]);
    expect(trainable(derived)).toEqual(rest);
    expect(() => freeze(graph, "encoder.0.weight")).toThrow(
      'freeze: "encoder.0.weight" matches no parameter; the nearest are "enc.0.weight"',
    );
    expect(() => unfreeze(graph, /^x/)).toThrow('unfreeze: "^x" matches no parameter');
  });
});
