import { describe, expect, it } from "vitest";
import { checkNode, type NodeCase } from "../../testing/check-node.ts";
import { readOnnx } from "../read.ts";
import { modelOf } from "./model.fixture.ts";

const agree = async (cases: readonly NodeCase[]): Promise<void> => {
  for (const c of cases) expect(await checkNode(c), JSON.stringify(c)).toBeLessThan(1e-5);
};
const ids = { dtype: "int32", shape: [2, 3], values: [1, 2, 3, 4, 0, 1] } as const;
const mask = { dtype: "int32", shape: [2, 3], values: [1, 0, 1, 2, 1, 1] } as const;

describe("fused activations", () => {
  it("BiasGelu and QuickGelu", () =>
    agree([
      { type: "com.microsoft.BiasGelu", inputs: [[2, 3, 4], [4]] },
      { type: "com.microsoft.QuickGelu", inputs: [[2, 3]] },
      { type: "com.microsoft.QuickGelu", inputs: [[2, 3]], attributes: { alpha: { float: 1 } } },
    ]));
  it.each(["Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid"])("FusedGemm with %s", (activation) =>
    agree([
      {
        type: "com.microsoft.FusedGemm",
        inputs: [[2, 3], [4, 3], [4]],
        attributes: {
          activation,
          activation_alpha: { float: 0.3 },
          activation_beta: { float: 0.4 },
          transB: 1,
          alpha: { float: 0.5 },
        },
      },
    ]),
  );
  it("FusedGemm refuses others", () => {
    const bytes = modelOf({
      opset: 17,
      inputs: { a: { dtype: "float32", shape: [2, 2] } },
      nodes: [
        {
          type: "FusedGemm",
          domain: "com.microsoft",
          inputs: ["a", "a"],
          outputs: ["y"],
          attributes: { activation: "Softsign" },
        },
      ],
      outputs: ["y"],
    });
    expect(() => readOnnx(bytes)).toThrow(/its activation "Softsign" is not supported/);
  });
});

describe("fused normalisations", () => {
  const attributes = { epsilon: { float: 1e-3 } };
  it("SkipLayerNormalization", () => {
    const type = "com.microsoft.SkipLayerNormalization";
    return agree([
      {
        type,
        inputs: [[2, 3, 4], [2, 3, 4], [4], [4], [4]],
        attributes,
        outputs: ["y", "mean", "inverse", "sum"],
      },
      { type, inputs: [[2, 3, 4], [2, 3, 4], [4], null, [4]], outputs: ["y", "", "", "sum"] },
      { type, inputs: [[2, 3, 4], [3, 4], [4]], attributes },
      { type, inputs: [[2, 3, 4], [1, 3, 4], [4], [4]] },
      { type, inputs: [[3, 4], [3, 4], [4], [4]] },
    ]);
  });
  it("SkipSimplifiedLayerNormalization", () => {
    const type = "com.microsoft.SkipSimplifiedLayerNormalization";
    return agree([
      { type, inputs: [[2, 3, 4], [2, 3, 4], [4], [4]], attributes, outputs: ["y", "", "inverse", "sum"] },
      { type, inputs: [[2, 3, 4], [2, 3, 4], [4]] },
    ]);
  });
  it("EmbedLayerNormalization", () => {
    const type = "com.microsoft.EmbedLayerNormalization";
    const outputs = ["y", "lengths", "sum"];
    const [words, places, parts, gain, bias] = [[5, 4], [6, 4], [5, 4], [4], [4]];
    return agree([
      { type, inputs: [ids, ids, words!, places!, parts!, gain!, bias!, mask], attributes, outputs },
      { type, inputs: [ids, null, words!, places!, null, gain!, bias!], outputs: outputs.slice(0, 2) },
      { type, inputs: [ids, null, words!, places!, null, gain!, bias!, null, mask], outputs },
      {
        type,
        inputs: [
          ids,
          null,
          words!,
          places!,
          null,
          gain!,
          bias!,
          null,
          { ...mask, shape: [1, 3], values: [2, 0, 1] },
        ],
        outputs,
      },
    ]);
  });
});
