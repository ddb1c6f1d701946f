import { expect, it } from "vitest";
import { layerNames } from "./layer-names.ts";

const ports = (outputs: string[], inner: string[]) => ({
  inputs: [],
  outputs: outputs.map((name) => ({ name, type: "FLOAT", shape: [] })),
  inner: inner.map((name) => ({ name, node: "" })),
});

it.each([
  [
    ["last_hidden_state", "hidden_states.0", "hidden_states.10", "hidden_states.2"],
    [],
    ["hidden_states.0", "hidden_states.2", "hidden_states.10"],
  ],
  [
    ["y"],
    [
      "/embeddings/LayerNorm/Add_1_output_0",
      "/encoder/layer.0/attention/Add",
      "/encoder/layer.0/output/Add",
      "/encoder/layer.1/output/Add",
      "/pooler/Tanh",
    ],
    ["/embeddings/LayerNorm/Add_1_output_0", "/encoder/layer.0/output/Add", "/encoder/layer.1/output/Add"],
  ],
  [["y"], ["/h.1/Add", "/h.0/Add"], ["/h.0/Add", "/h.1/Add"]],
  [["y"], ["/model/layers.0/Add_1_output_0"], ["/model/layers.0/Add_1_output_0"]],
  [["y"], ["a", "b"], []],
])("the layers of outputs %j", (outputs, inner, expected) => {
  expect(layerNames(ports(outputs, inner))).toEqual(expected);
});

it("tells the last layer of a file that calls its states by another name", () => {
  const inner = [
    { name: "/encoder/layer.0/output/Add", node: "/encoder/layer.0/output/Add" },
    { name: "/encoder/layer.1/output/Add", node: "/encoder/layer.1/output/Add" },
    { name: "last_hidden_state", node: "/encoder/layer.1/output/LayerNorm/Add" },
  ];
  expect(layerNames({ ...ports(["last_hidden_state"], []), inner })).toEqual([
    "/encoder/layer.0/output/Add",
    "last_hidden_state",
  ]);
});
