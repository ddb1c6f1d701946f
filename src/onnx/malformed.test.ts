import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DataError } from "../tensor/errors.ts";
import { f32 } from "../tensor/spec.ts";
import { readOnnx } from "./read.ts";
import { type ModelFields, modelOf } from "./rules/model.fixture.ts";
import {
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
} from "./schema/onnx_pb.ts";

const plain: ModelFields = {
  opset: 17,
  inputs: { x: f32(2, 3) },
  initializers: { w: { dtype: "float32", shape: [3], values: [1, 2, 3] } },
  nodes: [
    { type: "Add", inputs: ["x", "w"], outputs: ["h"] },
    { type: "Neg", inputs: ["h"], outputs: ["y"] },
  ],
  outputs: ["y"],
};

const changed = (edit: (model: ModelProto) => unknown, fields: Partial<ModelFields> = {}): Uint8Array => {
  const model = fromBinary(ModelProtoSchema, modelOf({ ...plain, ...fields }));
  edit(model);
  return toBinary(ModelProtoSchema, model);
};
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const int64 = (...values: number[]) => ({ dtype: "int64" as const, shape: [values.length], values });

/** y = TYPE(x, c…) with contents c. */
const shaped = (type: string, ...contents: number[][]): Uint8Array =>
  modelOf({
    ...plain,
    initializers: Object.fromEntries(contents.map((c, i) => [`c${i}`, int64(...c)])),
    nodes: [{ type, inputs: ["x", ...contents.map((_, i) => `c${i}`)], outputs: ["y"] }],
  });

/** Conditions inside conditions. */
function nested(depth: number): Uint8Array {
  return changed(({ graph }) => {
    let inner = create(GraphProtoSchema, {
      name: "g",
      node: [{ opType: "Neg", input: ["x"], output: ["y"] }],
      output: [{ name: "y" }],
    });
    for (let i = 0; i < depth; i++) {
      const attribute = ["then_branch", "else_branch"].map((name) => ({ name, type: Kind.GRAPH, g: inner }));
      const node = create(NodeProtoSchema, {
        opType: "If",
        input: ["c"],
        output: ["y"],
        attribute: depth > 40 ? attribute.slice(1) : attribute,
      });
      inner = create(GraphProtoSchema, { name: "g", node: [node], output: [{ name: "y" }] });
    }
    graph!.node = inner.node;
  });
}

describe("readOnnx of malformed files", () => {
  it.each<[string, () => Uint8Array, string | RegExp]>([
    [
      "nothing",
      () => new Uint8Array(),
      "readOnnx: the bytes hold no graph with outputs; are they an ONNX model?",
    ],
    ["JSON", () => text('{"graph":{}}'), /^readOnnx: the bytes are not an ONNX model: /],
    [
      "an archive",
      () => Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0),
      /^readOnnx: the bytes are not an ONNX model: /,
    ],
    [
      "a pointer",
      () => text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
      "readOnnx: the bytes are a Git LFS pointer, not the model; fetch the file it stands for",
    ],
    [
      "a truncated file",
      () => modelOf(plain).slice(0, -9),
      /^readOnnx: the bytes are not an ONNX model: premature EOF/,
    ],
    [
      "an old opset",
      () => modelOf({ ...plain, opset: 9 }),
      "readOnnx: the file uses opset 9; 11 to 22 are supported",
    ],
    [
      "no opset",
      () => changed((m) => void m.opsetImport.splice(0)),
      "readOnnx: the file names no version of the standard operators",
    ],
    [
      "huge dimensions",
      () => changed((m) => Object.assign(m.graph!.initializer[0]!, { dims: [2n ** 40n, 2n ** 40n] })),
      /^readOnnx: initializer "w": the shape \[1099511627776, 1099511627776\] is impossible$/,
    ],
    [
      "a negative dimension",
      () => changed((m) => Object.assign(m.graph!.initializer[0]!, { dims: [-3n] })),
      'readOnnx: initializer "w": the shape [-3] is impossible',
    ],
    [
      "too many axes",
      () => changed((m) => Object.assign(m.graph!.initializer[0]!, { dims: new Array(5000).fill(1n) })),
      'readOnnx: initializer "w": it has 5000 axes; 64 are the most',
    ],
    [
      "a size that disagrees with the shape",
      () => changed((m) => Object.assign(m.graph!.initializer[0]!, { dims: [4n] })),
      'readOnnx: initializer "w": it stores 12 bytes, but float32 [4] needs 16',
    ],
    [
      "listed values that disagree with the shape",
      () =>
        changed(({ graph }) =>
          Object.assign(graph!.initializer[0]!, { rawData: new Uint8Array(), floatData: [1, 2] }),
        ),
      'readOnnx: initializer "w": it stores 2 values, but float32 [3] needs 3',
    ],
    [
      "an impossible size of an input",
      () => modelOf({ ...plain, inputs: { x: f32(2, 2 ** 53) } }),
      'readOnnx: input "x" has an impossible size, 9007199254740992',
    ],
    [
      "an input without axes",
      () =>
        changed(({ graph }) => {
          const { value } = graph!.input[0]!.type!;
          if (value.case === "tensorType") delete value.value.shape;
        }),
      'readOnnx: input "x" does not say how many axes it has',
    ],
    [
      "a cycle",
      () => changed((m) => m.graph!.node[0]!.input.splice(0, 1, "y")),
      'readOnnx: nodes wait for each other in a circle: "Add_0", "Neg_1"',
    ],
    [
      "a node that waits for itself",
      () => changed((m) => m.graph!.node[1]!.input.splice(0, 1, "y")),
      'readOnnx: nodes wait for each other in a circle: "Neg_1"',
    ],
    [
      "a name given by two nodes",
      () => changed((m) => m.graph!.node[1]!.output.splice(0, 1, "h")),
      'readOnnx: the name "h" is given twice, by node "Add_0" and by node "Neg_1"',
    ],
    [
      "a name of an input given by a node",
      () => changed((m) => m.graph!.node[1]!.output.splice(0, 1, "x")),
      'readOnnx: the name "x" is given twice, by the inputs or stored tensors and by node "Neg_1"',
    ],
    [
      "two initializers of one name",
      () => changed(({ graph }) => void graph!.initializer.push(graph!.initializer[0]!)),
      'readOnnx: the name "w" is given to two initializers',
    ],
    [
      "two outputs of one name",
      () => changed(({ graph }) => void graph!.output.push(graph!.output[0]!)),
      'readOnnx: the name "y" stands twice among the outputs',
    ],
    [
      "a value that nothing gives",
      () => changed((m) => m.graph!.node[1]!.input.splice(0, 1, "z")),
      'readOnnx: node "Neg_1" (Neg): there is no value "z"',
    ],
    [
      "an output that nothing gives",
      () => changed((m) => Object.assign(m.graph!.output[0]!, { name: "z" })),
      'readOnnx: the outputs: there is no value "z"',
    ],
    [
      "a long name with line ends",
      () => changed((m) => Object.assign(m.graph!.output[0]!, { name: `a\n${"b".repeat(5000)}` })),
      new RegExp(`there is no value "a ${"b".repeat(78)}…"$`),
    ],
    ["deep nesting", () => nested(60), /^readOnnx: the bytes are not an ONNX model: .*recursion/],
    ["wide nesting", () => nested(9), 'readOnnx: node "y" (If): there is no value "c"'],
  ])("refuses %s", (_, bytes, message) => {
    const read = () => readOnnx(bytes());
    expect(read).toThrow(DataError);
    expect(read).toThrow(message);
  });

  it("does not compute what a few bytes can ask for", () => {
    const before = process.memoryUsage().arrayBuffers;
    const start = performance.now();
    const outcomes = [
      shaped("Expand", [2 ** 20, 2, 3]),
      shaped("Expand", [2 ** 45, 2, 3]),
      shaped("Tile", [2 ** 20, 2 ** 20]),
      shaped("Reshape", [-1, 2 ** 40]),
      shaped("Reshape", new Array(5000).fill(1)),
      modelOf({
        ...plain,
        initializers: { c: int64(2 ** 30, 2 ** 10) },
        nodes: [{ type: "ConstantOfShape", inputs: ["c"], outputs: ["y"] }],
      }),
      modelOf({
        ...plain,
        initializers: { c: int64(2 ** 16) },
        nodes: [
          { type: "ConstantOfShape", inputs: ["c"], outputs: ["a"] },
          { type: "Cast", inputs: ["a"], outputs: ["i"], attributes: { to: 7 } },
          { type: "Expand", inputs: ["x", "i"], outputs: ["y"] },
        ],
      }),
      modelOf({
        ...plain,
        initializers: {
          a: { dtype: "int64", shape: [], values: [0] },
          b: { dtype: "int64", shape: [], values: [2 ** 50] },
          d: { dtype: "int64", shape: [], values: [1] },
        },
        nodes: [{ type: "Range", inputs: ["a", "b", "d"], outputs: ["y"] }],
      }),
      modelOf({
        ...plain,
        nodes: [{ type: "MaxPool", inputs: ["x"], outputs: ["y"], attributes: { kernel_shape: [10 ** 9] } }],
      }),
      modelOf({
        ...plain,
        initializers: { p: int64(2 ** 40, 0, 2 ** 40, 0) },
        nodes: [{ type: "Pad", inputs: ["x", "p"], outputs: ["y"] }],
      }),
      modelOf({
        ...plain,
        nodes: [{ type: "Split", inputs: ["x"], outputs: ["y"], attributes: { num_outputs: 2 ** 31 } }],
        opset: 18,
      }),
    ].map((bytes) => {
      try {
        return typeof readOnnx(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        return "refused";
      }
    });
    expect(outcomes.length).toBe(11);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
