import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { print } from "../graph/graph.ts";
import { f32 } from "../tensor/spec.ts";
import { checkModel } from "../testing/check-model.ts";
import { bytesOf, feeds, node, read } from "./edited.fixture.ts";
import { SparseTensorProtoSchema, TensorProtoSchema, TypeProtoSchema } from "./schema/onnx_pb.ts";

const tensor = (dtype: "float32" | "int64", n: number) => ({
  tensor: { dtype, shape: [n], values: Array.from({ length: n }, (_, i) => i % 3) },
});
const constant = (output: string, dtype: "float32" | "int64", n: number) =>
  node("Constant", "", output, { attributes: { value: tensor(dtype, n) } });

describe("stored tensors", () => {
  it("are parameters where something computes with them, large constants among them", async () => {
    const fields = {
      nodes: [
        constant("weights", "float32", 5000),
        constant("scale", "float32", 1),
        constant("shape", "int64", 1),
        constant("places", "int64", 70_000),
        node("Mul", "weights scale", "scaled"),
        node("Gather", "scaled places", "z"),
        node("Add", "x bias", "y"),
      ],
      initializers: { bias: { dtype: "float32" as const, shape: [2], values: [1, 2] } },
      outputs: ["y", "z"],
    };
    const graph = read(fields);
    expect([...graph.params.keys()]).toEqual(["bias", "weights", "places"]);
    expect(print(graph)).toContain("constant(dtype=float32, shape=[1], values=[0])");
    expect(await checkModel(bytesOf(fields), feeds)).toBeLessThan(1e-6);
  });

  it("of other kinds are listed together, where something uses them", () => {
    const stored = (name: string, dataType: number) =>
      create(TensorProtoSchema, {
        name,
        dataType,
        dims: [1n],
        rawData: new Uint8Array(dataType === 10 ? 2 : 1),
      });
    const sequence = create(TypeProtoSchema, { value: { case: "sequenceType", value: {} } });
    const use = ["a", "b", "c", "list"].map((name) => node("Neg", name, `-${name}`));
    expect(() =>
      read(
        { inputs: { x: f32(2), list: f32(1) }, nodes: use, outputs: use.map(({ outputs }) => outputs[0]!) },
        ({ graph }) => {
          graph!.initializer.push(stored("a", 10), stored("unused", 16), stored("b", 3));
          graph!.sparseInitializer.push(create(SparseTensorProtoSchema, { values: stored("c", 1) }));
          graph!.input[1]!.type = sequence;
        },
      ),
    ).toThrow(
      'readOnnx: not supported: types: sequence ×1 ("list"), sparse tensor ×1 ("c"), FLOAT16 ×1 ("a"), INT8 ×1 ("b")',
    );
  });
});
