import { describe, expect, it } from "vitest";
import { checkNode, type NodeCase } from "../../testing/check-node.ts";
import type { ModelTensor } from "./model.fixture.ts";

/** ONNX Runtime's kernels for float32 approximate the exponential. */
const tolerance = 2e-6;
const agree = async (...cases: readonly NodeCase[]): Promise<void> => {
  for (const c of cases) expect(await checkNode(c), JSON.stringify(c)).toBeLessThan(tolerance);
};
const bends: ModelTensor = { dtype: "float32", shape: [9], values: [-4, -3, -1, -0.5, 0, 0.5, 1, 3, 4] };

describe("activations", () => {
  it.each(["Relu", "Sigmoid", "HardSwish", "Softplus", "Softsign"])("%s", (type) =>
    agree(
      { type, inputs: [[2, 3]] },
      { type, inputs: [bends] },
      { type, inputs: [[]] },
      { type, inputs: [[0, 2]] },
    ),
  );
  it("Mish", () => agree({ type: "Mish", inputs: [bends], opset: 18 }));
  it.each(["LeakyRelu", "Elu", "Celu", "ThresholdedRelu"])("%s, with and without its α", (type) =>
    agree({ type, inputs: [bends] }, { type, inputs: [bends], attributes: { alpha: { float: 0.7 } } }),
  );
  it.each(["Selu", "HardSigmoid", "Shrink"])("%s, with and without its attributes", (type) => {
    const names = { Selu: ["alpha", "gamma"], HardSigmoid: ["alpha", "beta"], Shrink: ["lambd", "bias"] }[
      type
    ]!;
    const attributes = { [names[0]!]: { float: 0.3 }, [names[1]!]: { float: 0.6 } };
    return agree({ type, inputs: [bends] }, { type, inputs: [bends], attributes });
  });
  it("PRelu with slopes for each channel", () =>
    agree(
      {
        type: "PRelu",
        inputs: [
          [2, 3, 4],
          [3, 1],
        ],
        stored: [1],
      },
      { type: "PRelu", inputs: [[2, 3], []] },
    ));
  it("Gelu in both forms", () =>
    agree(
      { type: "Gelu", inputs: [bends], opset: 20 },
      { type: "Gelu", inputs: [bends], opset: 20, attributes: { approximate: "none" } },
      { type: "Gelu", inputs: [bends], opset: 20, attributes: { approximate: "tanh" } },
      { type: "com.microsoft.Gelu", inputs: [[2, 3]] },
      { type: "com.microsoft.FastGelu", inputs: [[2, 3]] },
      { type: "com.microsoft.FastGelu", inputs: [[2, 3], [3]] },
    ));
});
