import { describe, expect, it } from "vitest";
import { Graph, print } from "../graph/graph.ts";
import { add, reshape, sizes, transpose } from "../graph/ops/index.ts";
import { compile } from "../runtime/node.ts";
import { f32 } from "../tensor/spec.ts";
import { readOnnx } from "./read.ts";
import { writeOnnx } from "./write.ts";

describe("readOnnx", () => {
  it("reads back what writeOnnx wrote, with open dimensions and named parameters", async () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", "L", 4));
    const w = graph.param("w", f32(4), { data: Float32Array.of(1, 2, 3, 4), shape: [4] });
    graph.output("y", reshape(transpose(reshape(add(x, w), ["B", "L", 2, 2]), [0, 2, 1, 3]), ["B", "L*4"]));
    graph.metadata.recipe = "none";
    const back = readOnnx(writeOnnx(graph));
    expect([...back.params.keys()]).toContain("w");
    expect(back.value("y").shape).toEqual(["B", "L*4"]);
    expect(back.metadata).toEqual({ recipe: "none" });
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const feeds = { x: { data, shape: [2, 3, 4] } };
    const results = await Promise.all([graph, back].map(async (g) => (await compile(g)).run(feeds)));
    expect(results[1]!.y).toEqual(results[0]!.y);
  });
  it("folds the arithmetic of shapes", () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", "L", 4));
    graph.output("n", add(sizes(graph, ["B*2", "L"]), sizes(graph, [1, "floor(B/2)"])));
    graph.output("y", x);
    expect(print(readOnnx(writeOnnx(graph)))).toContain("sizes(dims=[B*2+1 L+floor(B/2)])");
  });
});
