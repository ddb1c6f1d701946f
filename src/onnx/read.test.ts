import { describe, expect, it } from "vitest";
import { Graph, print } from "../graph/graph.ts";
import { add, reshape, sizes, transpose } from "../graph/ops/index.ts";
import { compile } from "../runtime/node.ts";
import { f32 } from "../tensor/spec.ts";
import { checkModel } from "../testing/check-model.ts";
import { bytesOf, feeds, node, read } from "./edited.fixture.ts";
import { readOnnx } from "./read.ts";
import { writeOnnx } from "./write.ts";

const floats = (...values: number[]) => ({ dtype: "float32" as const, shape: [values.length], values });
const int64 = (...values: number[]) => ({ dtype: "int64" as const, shape: [values.length], values });

describe("readOnnx", () => {
  it("reads back what writeOnnx wrote, with open dimensions and named parameters", async () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", "L", 4));
    const w = graph.param("w", f32(4), { data: Float32Array.of(1, 2, 3, 4), shape: [4] });
    graph.output("y", reshape(transpose(reshape(add(x, w), ["B", "L", 2, 2]), [0, 2, 1, 3]), ["B", "L*4"]));
    graph.metadata.recipe = "none";
    const back = readOnnx(writeOnnx(graph));
    expect([...back.params.keys()]).toEqual(["w"]);
    expect(back.value("y").shape).toEqual(["B", "L*4"]);
    expect(back.metadata).toEqual({ recipe: "none" });
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const given = { x: { data, shape: [2, 3, 4] } };
    const results = await Promise.all([graph, back].map(async (g) => (await compile(g)).run(given)));
    expect(results[1]!.y).toEqual(results[0]!.y);
  });

  it("reads a Buffer, whose slices are no copies", () => {
    const graph = new Graph();
    const values = { data: Float32Array.of(1, 2, 3), shape: [3] };
    graph.output("y", add(graph.input("x", f32(3)), graph.param("w", f32(3), values)));
    const file = Buffer.from(writeOnnx(graph));
    const back = readOnnx(file);
    file.fill(0);
    expect(back.params.get("w")!.data).toEqual(values);
  });
  it("folds the arithmetic of shapes", () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", "L", 4));
    graph.output("n", add(sizes(graph, ["B*2", "L"]), sizes(graph, [1, "floor(B/2)"])));
    graph.output("y", x);
    expect(print(readOnnx(writeOnnx(graph)))).toContain("sizes(dims=[B*2+1 L+floor(B/2)])");
  });

  it("takes nodes in any order and leaves out what no output depends on", async () => {
    const nodes = [
      node("Exp", "b", "y"),
      node("Nonsense", "x", "unused"),
      node("Add", "a w", "b"),
      node("Neg", "x", "a"),
    ];
    const initializers = { w: floats(1, 2), other: floats(3) };
    const graph = read({ nodes, initializers });
    expect([...graph.params.keys()]).toEqual(["w"]);
    expect(print(graph)).toMatch(/neg.*\n.*add.*\n.*exp/);
    const sorted = [nodes[3]!, nodes[2]!, nodes[0]!];
    expect(print(graph)).toBe(print(read({ nodes: sorted, initializers })));
    expect(await checkModel(bytesOf({ nodes: sorted, initializers }), feeds)).toBeLessThan(1e-6);
  });

  it("takes outputs that are inputs or parameters, and parameters that are listed as inputs", async () => {
    const inputs = { x: f32(2), w: f32(2) };
    const fields = { inputs, initializers: { w: floats(1, 2) }, nodes: [node("Add", "x w", "y")] };
    const graph = read({ ...fields, outputs: ["x", "w", "y"] });
    expect([...graph.inputs.keys()]).toEqual(["x"]);
    expect([...graph.params.keys()]).toEqual(["w"]);
    const program = await compile(graph);
    const { x, w, y } = await program.run(feeds);
    expect([x, w, y].map((t) => [...(t!.data as Float32Array)])).toEqual([
      [1, -2],
      [1, 2],
      [2, 0],
    ]);
    await program.dispose();
  });

  it("names open dimensions: as the file does, after the axis, or by arithmetic of other sizes", () => {
    const shape = [
      "batch size",
      "",
      "past",
      "past + batch_size",
      "batch-size",
      "seq",
      "past + seq",
      "toString",
    ];
    const graph = read({ inputs: { x: f32(...shape) }, nodes: [node("Neg", "x", "y")] });
    const names = [
      "batch_size",
      "x_1",
      "past",
      "past_batch_size",
      "batch_size_",
      "seq",
      "past+seq",
      "toString_",
    ];
    expect(graph.value("y").shape).toEqual(names);
    const shapes = { x: [1, 2, 3, 4, 5, 6, 7, "N"] };
    const bound = read({ inputs: { x: f32(...shape) }, nodes: [node("Neg", "x", "y")] }, undefined, {
      shapes,
    });
    expect(bound.value("y").shape).toEqual(shapes.x);
    expect(() => read({ nodes: [node("Neg", "x", "y")] }, undefined, { shapes: { z: [1] } })).toThrow(
      'readOnnx: a shape is given for "z", which is no input; the nearest is "x"; there are: x',
    );
    expect(() => read({ nodes: [node("Neg", "x", "y")] }, undefined, { shapes: { x: [1, 2] } })).toThrow(
      'readOnnx: input "x" is [2]; the given shape [1, 2] has another rank',
    );
  });

  it("keeps every digit of int64, and its ends as they are", async () => {
    const big = 2n ** 60n + 1n;
    const ends = BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n);
    const graph = read(
      {
        initializers: { a: int64(0), b: int64(0, 0) },
        nodes: [node("Identity", "a", "y"), node("Concat", "b b", "z", { attributes: { axis: 0 } })],
        outputs: ["y", "z"],
      },
      ({ graph: g }) => {
        const [a, b] = g!.initializer;
        a!.rawData = new Uint8Array(BigInt64Array.of(big).buffer);
        b!.rawData = new Uint8Array(ends.buffer);
      },
    );
    expect([...graph.params.keys()]).toEqual(["a"]); // b is computed with
    const program = await compile(graph);
    const { y, z } = await program.run(feeds);
    expect([...(y!.data as BigInt64Array)]).toEqual([big]);
    expect([...(z!.data as BigInt64Array)]).toEqual([...ends, ...ends]);
    await program.dispose();
  });

  it("computes while reading only what is small and what float64 holds", () => {
    const column = { dtype: "int64" as const, shape: [300, 1], values: Array.from({ length: 300 }, () => 2) };
    const row = { ...column, shape: [1, 300] };
    const nodes = [
      node("Mul", "column row", "big"),
      node("Mul", "huge huge", "y"),
      node("Mul", "four four", "z"),
    ];
    const graph = read({
      initializers: { column, row, huge: int64(2 ** 40), four: int64(4) },
      nodes,
      outputs: ["big", "y", "z"],
    });
    expect(print(graph)).toMatch(/mul\(column, row\).*mul\(huge, huge\).*constant\(.*values=\[16\]\)/s);
  });
});
