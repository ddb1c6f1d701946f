import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Graph } from "../graph/graph.ts";
import { add, div, matmul, mul, scalar, sizes } from "../graph/ops/index.ts";
import { openSession } from "../runtime/session.ts";
import { f32 } from "../tensor/spec.ts";
import { ModelProtoSchema } from "./schema/onnx_pb.ts";
import { writeOnnx } from "./write.ts";

function affine(): Graph {
  const graph = new Graph();
  const x = graph.input("x", f32("B", 2));
  const w = graph.param("w", f32(2, 3), { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] });
  graph.output("y", add(matmul(x, w), 0.5));
  graph.metadata.recipe = "affine";
  return graph;
}

describe("writeOnnx", () => {
  it("writes parameters as initializers, open dimensions as symbols, and metadata", () => {
    const model = fromBinary(ModelProtoSchema, writeOnnx(affine()));
    expect(model.graph!.initializer.map((t) => t.name)).toContain("w");
    expect(model.graph!.input.map((v) => v.name)).toEqual(["x"]);
    const type = model.graph!.input[0]!.type!.value;
    const dims = type.case === "tensorType" ? type.value.shape!.dim.map((d) => d.value.value) : [];
    expect(dims).toEqual(["B", 2n]);
    expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([["recipe", "affine"]]);
  });

  it("writes what ONNX Runtime runs at any size of an open dimension", async () => {
    const session = await openSession(writeOnnx(affine()), { x: "float32" }, { threads: 1 });
    for (const rows of [1, 3]) {
      const { y } = await session.run({ x: { data: new Float32Array(rows * 2).fill(1), shape: [rows, 2] } });
      expect([...(y!.data as Float32Array)]).toEqual(
        Array.from({ length: rows }, () => [5.5, 7.5, 9.5]).flat(),
      );
    }
    await session.release();
  });

  it("takes any names, also those it would give itself, and any constants", async () => {
    const graph = new Graph();
    const sum = add(add(graph.input("t0", f32(2)), graph.input("c1", f32(2))), 1);
    graph.output("t2", add(sum, scalar(graph, Number.POSITIVE_INFINITY)));
    graph.output("t1", div(1, mul(scalar(graph, 0), -1))); // 1/−0
    graph.output("c0", div(1, scalar(graph, 0)));
    const session = await openSession(writeOnnx(graph), { t0: "float32", c1: "float32" }, { threads: 1 });
    const x = { data: Float32Array.of(1, 2), shape: [2] };
    const { t2, t1, c0 } = await session.run({ t0: x, c1: x });
    expect([t2, t1, c0].map((y) => y!.data[0])).toEqual([Infinity, -Infinity, Infinity]);
    await session.release();
  });

  it("says which parameter has no values, and which shape cannot stay open", () => {
    const graph = new Graph();
    graph.output("y", matmul(graph.input("x", f32(1, 2)), graph.param("w", f32(2, 2))));
    expect(() => writeOnnx(graph)).toThrow('writeOnnx: parameter "w" has no values; provide them first');
    const open = new Graph();
    open.output("y", sizes(open, ["A", "B"]));
    expect(() => writeOnnx(open)).toThrow(
      'writeOnnx: dimension "A" is not the size of an axis of any input; bind it to a number',
    );
  });
});
