import { describe, expect, it } from "vitest";
import { checkModel } from "../../testing/check-model.ts";
import { modelOf } from "./model.fixture.ts";

describe("elementwise rules", () => {
  it("read broadcasting arithmetic with a parameter", async () => {
    const model = modelOf({
      opset: 13,
      inputs: { x: { dtype: "float32", shape: ["B", 3] } },
      initializers: { w: { dtype: "float32", shape: [3], values: [1, -2, 0.5] } },
      nodes: [
        { type: "Mul", inputs: ["x", "w"], outputs: ["p"] },
        { type: "Tanh", inputs: ["p"], outputs: ["y"] },
      ],
      outputs: ["y"],
    });
    const x = { data: Float32Array.of(1, 2, 3, -4, 5, 6), shape: [2, 3] };
    expect(await checkModel(model, { x })).toBeLessThan(1e-6);
  });
});
