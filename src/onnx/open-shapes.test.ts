import { describe, expect, it } from "vitest";
import { compile } from "../runtime/node.ts";
import { openSession } from "../runtime/session.ts";
import type { Dim } from "../tensor/dims.ts";
import { count, numbers } from "../tensor/spec.ts";
import { relativeError } from "../testing/check-op.ts";
import { readOnnx } from "./read.ts";
import { type ModelNode, type ModelTensor, modelOf } from "./rules/model.fixture.ts";
import { ints, scalar } from "./rules/node.fixture.ts";
import { writeOnnx } from "./write.ts";

/** How exporters write the arithmetic of shapes around x: f32[B, L, 4]. */
interface Pattern {
  readonly nodes: readonly ModelNode[];
  readonly stored?: Readonly<Record<string, ModelTensor>>;
  readonly shape: readonly Dim[];
}

const node = (
  type: string,
  inputs: string,
  output: string,
  attributes: ModelNode["attributes"] = {},
): ModelNode => ({
  type,
  inputs: inputs.split(" ").map((name) => (name === "-" ? "" : name)),
  outputs: output.split(" "),
  attributes,
});

const sequence = (...shape: number[]): ModelTensor => ({
  dtype: "float32",
  shape,
  values: Array.from({ length: count(shape) }, (_, i) => Math.sin(i)),
});

/** Sizes of x: B = Shape(x)[0] and L = Shape(x)[1], as scalars. */
const sizes = [
  node("Shape", "x", "shape"),
  node("Gather", "shape zero", "B"),
  node("Gather", "shape one", "L"),
];
const asVector = (name: string): ModelNode => node("Unsqueeze", `${name} axis0`, `${name}1`);
const numbersOf = { zero: scalar(0), one: scalar(1), axis0: ints(0), far: ints(2 ** 63) };

const patterns: Record<string, Pattern> = {
  "heads: view(B, L, 2, 2) and back": {
    nodes: [
      ...sizes,
      asVector("B"),
      asVector("L"),
      node("Concat", "B1 L1 two two", "apart", { axis: 0 }),
      node("Reshape", "x apart", "h"),
      node("Transpose", "h", "t", { perm: [0, 2, 1, 3] }),
      node("Transpose", "t", "t2", { perm: [0, 1, 3, 2] }),
      node("MatMul", "t t2", "s"),
      node("MatMul", "s t", "o"),
      node("Transpose", "o", "back", { perm: [0, 2, 1, 3] }),
      node("Concat", "B1 L1 minus", "joined", { axis: 0 }),
      node("Reshape", "back joined", "y"),
    ],
    stored: { two: ints(2), minus: ints(-1) },
    shape: ["B", "L", 4],
  },
  "a shape cut and extended: x.view(x.size()[:-1] + (2, 2))": {
    nodes: [
      node("Shape", "x", "shape"),
      node("Slice", "shape axis0 last", "front"),
      node("Concat", "front twos", "apart", { axis: 0 }),
      node("Reshape", "x apart", "y"),
    ],
    stored: { last: ints(-1), twos: ints(2, 2) },
    shape: ["B", "L", 2, 2],
  },
  "ones of a computed shape": {
    nodes: [
      ...sizes,
      asVector("B"),
      asVector("L"),
      node("Concat", "B1 L1 ones", "apart", { axis: 0 }),
      node("ConstantOfShape", "apart", "filled", {
        value: { tensor: { dtype: "float32", shape: [1], values: [2] } },
      }),
      node("Mul", "x filled", "y"),
    ],
    stored: { ones: ints(1) },
    shape: ["B", "L", 4],
  },
  "expand(B, -1, -1): Where(Equal(shape, -1), ones, shape)": {
    nodes: [
      ...sizes,
      asVector("B"),
      node("Concat", "B1 minus minus", "asked", { axis: 0 }),
      node("Shape", "asked", "rank"),
      node("ConstantOfShape", "rank", "ones", { value: { tensor: ints(1) } }),
      node("Mul", "ones minus", "negative"),
      node("Equal", "asked negative", "same"),
      node("Where", "same ones asked", "to"),
      node("Expand", "token to", "tokens"),
      node("Concat", "tokens x", "y", { axis: 1 }),
    ],
    stored: { minus: ints(-1), token: sequence(1, 1, 4) },
    shape: ["B", "L+1", 4],
  },
  "positions counted up to L": {
    nodes: [
      ...sizes,
      node("Range", "zero L one", "places"),
      node("Gather", "table places", "rows"),
      node("Add", "x rows", "y"),
    ],
    stored: { table: sequence(16, 4) },
    shape: ["B", "L", 4],
  },
  "position_ids[:, :L]": {
    nodes: [
      ...sizes,
      asVector("L"),
      node("Slice", "ids axis0 L1 axis1", "places"),
      node("Gather", "table places", "rows"),
      node("Add", "x rows", "y"),
    ],
    stored: {
      axis1: ints(1),
      ids: { dtype: "int64", shape: [1, 16], values: Array.from({ length: 16 }, (_, i) => i) },
      table: sequence(16, 4),
    },
    shape: ["B", "L", 4],
  },
  "mask[:, S-L:S, :S]": {
    nodes: [
      ...sizes,
      node("Sub", "L L", "start"),
      asVector("start"),
      asVector("L"),
      node("Slice", "mask start1 L1 axis1", "rows"),
      node("Slice", "rows axis0 L1 axis2", "square"),
      node("Transpose", "x", "t", { perm: [0, 2, 1] }),
      node("MatMul", "x t", "scores"),
      node("Where", "square scores low", "y"),
    ],
    stored: {
      axis1: ints(1),
      axis2: ints(2),
      mask: {
        dtype: "bool",
        shape: [1, 16, 16],
        values: Array.from({ length: 256 }, (_, i) => Number(i % 16 <= i / 16)),
      },
      low: { dtype: "float32", shape: [], values: [-1e4] },
    },
    shape: ["B", "L", "L"],
  },
  "pairs of positions: view(B, L // 2, 8)": {
    nodes: [
      ...sizes,
      node("Div", "L two", "half"),
      asVector("B"),
      asVector("half"),
      node("Concat", "B1 half1 eight", "apart", { axis: 0 }),
      node("Reshape", "x apart", "y"),
    ],
    stored: { two: scalar(2), eight: ints(8) },
    shape: ["B", "floor(L/2)", 8],
  },
  "the last half: x[:, -(L // 2):]": {
    nodes: [
      ...sizes,
      node("Div", "L two", "half"),
      node("Neg", "half", "start"),
      asVector("start"),
      node("Slice", "x start1 far axis1", "y"),
    ],
    stored: { two: scalar(2), axis1: ints(1) },
    shape: ["B", "floor(L/2)", 4],
  },
  "padded to a multiple of 4: (4 - L % 4) % 4 more": {
    nodes: [
      ...sizes,
      node("Mod", "L four", "rest"),
      node("Sub", "four rest", "missing"),
      node("Mod", "missing four", "more"),
      asVector("more"),
      node("Concat", "none more1 axis0", "pads", { axis: 0 }),
      node("Pad", "x pads", "y"),
    ],
    stored: { four: scalar(4), none: ints(0, 0, 0, 0) },
    shape: ["B", "-floor(-L/4)*4", 4],
  },
  "repeat(1, 2, 1) and every second": {
    nodes: [node("Tile", "x times", "twice"), node("Slice", "twice axis0 far axis1 steps", "y")],
    stored: { times: ints(1, 2, 1), axis1: ints(1), steps: ints(2) },
    shape: ["B", "L", 4],
  },
  "the whole in one row: flatten, and the number of elements": {
    nodes: [
      node("Flatten", "x", "flat", { axis: 1 }),
      node("Size", "x", "n"),
      node("Cast", "n", "float", { to: 1 }),
      node("Div", "flat float", "y"),
    ],
    shape: ["B", "L*4"],
  },
};

describe.each(Object.entries(patterns))("%s", (_, { nodes, stored = {}, shape }) => {
  const model = modelOf({
    opset: 17,
    inputs: { x: { dtype: "float32", shape: ["B", "L", 4] } },
    initializers: { ...numbersOf, ...stored },
    nodes,
    outputs: ["y"],
  });

  it("keeps its dimensions open and runs at any size", async () => {
    const graph = readOnnx(model);
    expect(graph.value("y").shape).toEqual(shape);
    const original = await openSession(model, { x: "float32" }, { threads: 1 });
    const programs = await Promise.all([
      compile(graph, { threads: 1, shapes: "open" }),
      compile(graph, { threads: 1 }),
      compile(readOnnx(writeOnnx(graph)), { threads: 1, shapes: "open" }),
    ]);
    for (const [B, L] of [
      [2, 6],
      [3, 4],
      [1, 10],
    ] as const) {
      const x = { data: Float32Array.from({ length: B * L * 4 }, (_, i) => Math.cos(i)), shape: [B, L, 4] };
      const want = (await original.run({ x })).y!;
      for (const program of programs) {
        const got = (await program.run({ x })).y!;
        expect(got.shape).toEqual(want.shape);
        expect(relativeError(numbers(got.data), numbers(want.data))).toBeLessThan(1e-6);
      }
    }
    await Promise.all([...programs.map((p) => p.dispose()), original.release()]);
  });
});
