import { describe, expect, it } from "vitest";
import { compile } from "../../runtime/node.ts";
import { count, numbers, typed } from "../../tensor/spec.ts";
import { checkNode, type NodeCase, noise } from "../../testing/check-node.ts";
import { relativeError } from "../../testing/check-op.ts";
import { readOnnx } from "../read.ts";
import { type ModelTensor, modelOf } from "./model.fixture.ts";

const [B, S, D, N] = [2, 3, 8, 2];
const ints = (shape: readonly number[], ...values: number[]): ModelTensor => ({
  dtype: "int32",
  shape,
  values,
});

async function agree(type: string, cases: readonly Omit<NodeCase, "type">[]): Promise<void> {
  for (const c of cases) {
    const node = { ...c, type: `com.microsoft.${type}`, attributes: { num_heads: N, ...c.attributes } };
    expect(await checkNode(node), JSON.stringify(c)).toBeLessThan(1e-5);
  }
}

describe("Attention", () => {
  const plain = [[B, S, 6], [6, 3 * D], [3 * D]];
  const pairs = Array.from({ length: B * S * S }, (_, i) => Number(i % 3 !== 1));
  it("projects, splits heads and joins them", () =>
    agree("Attention", [
      { inputs: plain },
      { inputs: plain, attributes: { scale: { float: 0.3 } } },
      { inputs: plain, outputs: ["y", "present"] },
      { inputs: [[B, S, 6], [6, 2 * D + 4], [2 * D + 4]], attributes: { qkv_hidden_sizes: [D, D, 4] } },
      { inputs: [[B, 1, 6], [6, 3 * D], [3 * D]], attributes: { unidirectional: 1 } },
    ]));
  it("masks keys in all forms that ONNX Runtime runs", () =>
    agree("Attention", [
      { inputs: [...plain, ints([B, S], 1, 1, 0, 2, -1, 1)] },
      {
        inputs: [...plain, ints([B, S], 1, 1, 0, 1, 1, 1)],
        attributes: { mask_filter_value: { float: -1 } },
      },
      { inputs: [...plain, ints([B, S], 0, 0, 0, 1, 1, 1)] },
      { inputs: [...plain, ints([B, S, S], ...pairs)] },
      { inputs: [...plain, ints([B], 2, 3)] },
      { inputs: [...plain, ints([2 * B], 3, 2, 1, 0)] },
      { inputs: [...plain, ints([B, 1], 1, 0)] },
      { inputs: [...plain, ints([1, 1], 0)] },
    ]));
  it("looks back only, and adds a bias to the scores", () =>
    agree("Attention", [
      { inputs: plain, attributes: { unidirectional: 1 } },
      { inputs: [...plain, ints([B, S], 0, 1, 1, 1, 1, 0)], attributes: { unidirectional: 1 } },
      { inputs: [...plain, null, null, [1, 1, S, S]] },
      { inputs: [...plain, ints([B], 2, 3), null, [B, N, S, S]], attributes: { unidirectional: 1 } },
    ]));
});

describe("MultiHeadAttention", () => {
  const L = 4;
  const plain = [
    [B, S, D],
    [B, L, D],
    [B, L, D],
  ];
  it("takes queries, keys and values of their own lengths and widths", () =>
    agree("MultiHeadAttention", [
      { inputs: plain },
      { inputs: plain, outputs: ["y", "keys", "values"] },
      { inputs: [...plain, [3 * D]], attributes: { scale: { float: 0.2 } } },
      {
        inputs: [
          [B, S, D],
          [B, L, D],
          [B, L, 4],
        ],
      },
      { inputs: [[B, S, D], [B, L, D], [B, L, 4], [2 * D + 4]] },
      {
        inputs: [
          [B, S, D],
          [B, N, L, D / N],
          [B, N, L, D / N],
        ],
      },
    ]));
  it("masks keys, looks back only, and adds a bias to the scores", () =>
    agree("MultiHeadAttention", [
      { inputs: [...plain, null, ints([B, L], 1, 0, 1, 1, 1, 1, 1, 0)] },
      { inputs: [...plain, [3 * D], ints([B], 2, 4)] },
      { inputs: [...plain, null, ints([B, S, L], ...Array.from({ length: B * S * L }, (_, i) => i % 2))] },
      { inputs: [plain[1]!, plain[1]!, plain[1]!], attributes: { unidirectional: 1 } },
      { inputs: [[B, 1, D], plain[1]!, plain[1]!], attributes: { unidirectional: 1 } },
      { inputs: [...plain, null, null, [1, N, S, L]] },
      { inputs: [...plain, null, ints([B, L], 1, 0, 1, 1, 1, 1, 1, 0), [B, 1, S, L]] },
    ]));

  it("unpacks keys and values, which ONNX Runtime does on graphics cards only", async () => {
    const H = D / N;
    const q = noise("q", [B, S, N, H]);
    const [k, v] = [noise("k", [B, S, N, H]), noise("v", [B, S, N, H])];
    const pack = (...parts: ModelTensor[]): ModelTensor => ({
      dtype: "float32",
      shape: [B, S, N, parts.length, H],
      values: Array.from({ length: parts.length * count(q.shape) }, (_, i) => {
        const [row, part, column] = [
          Math.floor(i / (H * parts.length)),
          Math.floor(i / H) % parts.length,
          i % H,
        ];
        return parts[part]!.values[row * H + column]!;
      }),
    });
    const flat = (t: ModelTensor): ModelTensor => ({ ...t, shape: [B, S, D] });
    const run = async (...inputs: ModelTensor[]) => {
      const names = inputs.map((_, i) => `x${i}`);
      const attributes = { num_heads: N };
      const node = {
        type: "MultiHeadAttention",
        domain: "com.microsoft",
        inputs: names,
        outputs: ["y"],
        attributes,
      };
      const given = Object.fromEntries(inputs.map((t, i) => [`x${i}`, t]));
      const program = await compile(
        readOnnx(modelOf({ opset: 17, inputs: given, nodes: [node], outputs: ["y"] })),
      );
      const feeds = inputs.map(({ shape, values }, i) => [
        `x${i}`,
        { shape, data: typed("float32", values) },
      ]);
      const { y } = await program.run(Object.fromEntries(feeds));
      await program.dispose();
      return numbers(y!.data);
    };
    const expected = await run(flat(q), flat(k), flat(v));
    expect(relativeError(await run(pack(q, k, v)), expected)).toBeLessThan(1e-6);
    expect(relativeError(await run(flat(q), pack(k, v)), expected)).toBeLessThan(1e-6);
  });
});

describe("attention with open dimensions", () => {
  const model = (
    inputs: Record<string, { dtype: "float32" | "int32"; shape: (number | string)[] }>,
    heads = N,
  ) =>
    modelOf({
      opset: 17,
      inputs,
      nodes: [
        {
          type: "Attention",
          domain: "com.microsoft",
          inputs: Object.keys(inputs),
          outputs: ["y"],
          attributes: { num_heads: heads, unidirectional: 1 },
        },
      ],
      outputs: ["y"],
    });
  const projected = {
    x: { dtype: "float32" as const, shape: ["B", "L", 6] },
    w: { dtype: "float32" as const, shape: [6, 3 * D] },
    b: { dtype: "float32" as const, shape: [3 * D] },
  };
  it("keeps them open", () => {
    for (const shape of [["B", "L"], ["B"], ["B*2"], ["B", "L", "L"]]) {
      const graph = readOnnx(model({ ...projected, mask: { dtype: "int32", shape } }));
      expect(graph.value("y").shape).toEqual(["B", "L", D]);
    }
  });
  it("says what it does not support", () => {
    const fails = (shape: (number | string)[], heads?: number) =>
      expect(() => readOnnx(model({ ...projected, mask: { dtype: "int32", shape } }, heads)));
    fails([11]).toThrow("its mask is [11]; [B, T], [B, S, T], [B] and [2B] are supported (B = B)");
    fails(["B"], 3).toThrow("3 heads do not divide a width of 8");
    const past = { past: { dtype: "float32" as const, shape: [2, "B", N, 5, D / N] } };
    expect(() => readOnnx(model({ ...projected, mask: { dtype: "int32", shape: ["B"] }, ...past }))).toThrow(
      "past keys and values are not supported",
    );
  });
});
