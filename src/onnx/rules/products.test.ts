import { describe, expect, it } from "vitest";
import { checkNode, type NodeCase, noise } from "../../testing/check-node.ts";

const agree = async (cases: readonly NodeCase[]): Promise<void> => {
  for (const c of cases) expect(await checkNode(c), JSON.stringify(c)).toBeLessThan(1e-5);
};

describe("MatMul", () => {
  const inputs = (...shapes: number[][]): NodeCase => ({ type: "MatMul", inputs: shapes });
  it("takes operands of any number of axes, which broadcast", () =>
    agree([
      inputs([4], [4]),
      inputs([4], [4, 3]),
      inputs([2, 4], [4]),
      inputs([5, 2, 4], [4]),
      inputs([4], [5, 4, 3]),
      inputs([2, 4], [5, 4, 3]),
      inputs([3, 1, 2, 4], [5, 4, 3]),
      inputs([1, 2, 4], [3, 4, 2]),
      inputs([2, 0], [0, 3]),
      inputs([0, 2, 4], [4, 3]),
    ]));
  it("multiplies integers and float64", () =>
    agree(
      (["int32", "int64", "float64"] as const).map((dtype) => ({
        type: "MatMul",
        inputs: [noise("a", [2, 3, 4], dtype), noise("b", [4, 2], dtype)],
      })),
    ));
});

describe("Gemm", () => {
  it("has transposes, factors and a bias of any shape that broadcasts", () =>
    agree([
      {
        type: "Gemm",
        inputs: [
          [2, 4],
          [4, 3],
        ],
      },
      { type: "Gemm", inputs: [[2, 4], [4, 3], [3]] },
      {
        type: "Gemm",
        inputs: [
          [4, 2],
          [3, 4],
          [2, 1],
        ],
        attributes: { transA: 1, transB: 1 },
      },
      {
        type: "Gemm",
        inputs: [[2, 4], [3, 4], []],
        attributes: { transB: 1, alpha: { float: 0.5 }, beta: { float: -2 } },
      },
      {
        type: "Gemm",
        inputs: [
          [2, 4],
          [4, 3],
          [2, 3],
        ],
        attributes: { beta: { float: 0 } },
      },
      {
        type: "Gemm",
        inputs: [
          [2, 4],
          [4, 3],
          [1, 3],
        ],
        opset: 11,
        stored: [1, 2],
      },
    ]));
});

describe("FusedMatMul", () => {
  const type = "com.microsoft.FusedMatMul";
  const attributes = (transA: number, transB: number, transBatchA = 0, transBatchB = 0) => ({
    attributes: { transA, transB, transBatchA, transBatchB, alpha: { float: 0.25 } },
  });
  it("transposes the last two axes", () =>
    agree([
      {
        type,
        inputs: [
          [2, 4],
          [4, 3],
        ],
        ...attributes(0, 0),
      },
      {
        type,
        inputs: [
          [5, 4, 2],
          [5, 3, 4],
        ],
        ...attributes(1, 1),
      },
      {
        type,
        inputs: [
          [5, 4, 2],
          [4, 3],
        ],
        ...attributes(1, 0),
      },
    ]));
  it("takes the first axis for the rows, behind the batch", () =>
    agree([
      {
        type,
        inputs: [
          [2, 5, 4],
          [5, 4, 3],
        ],
        ...attributes(0, 0, 1),
      },
      {
        type,
        inputs: [
          [4, 5, 6, 2],
          [5, 6, 4, 3],
        ],
        ...attributes(1, 0, 1),
      },
      {
        type,
        inputs: [
          [5, 2, 4],
          [3, 5, 4],
        ],
        ...attributes(0, 1, 0, 1),
      },
      {
        type,
        inputs: [
          [2, 5, 4],
          [4, 5, 3],
        ],
        ...attributes(0, 0, 1, 1),
      },
    ]));
});

describe("Einsum", () => {
  const type = "Einsum";
  it.each([
    ["ij,jk->ik", [2, 3], [3, 4]],
    ["ij,jk", [2, 1], [4, 5]],
    ["bij,bjk->bik", [2, 3, 4], [2, 4, 5]],
    ["...ij,...jk->...ik", [2, 1, 3, 4], [2, 5, 4, 2]],
    ["ij,j...->i...", [2, 3], [3, 4, 5]],
    ["i...j->...", [3, 5, 4]],
    ["...,...", [3, 2], [1, 2]],
    ["ij...", [3, 4]],
    ["ii", [3, 3]],
    ["iji->ji", [3, 2, 3]],
    ["ba", [2, 3]],
    ["i,j,k->kji", [2], [3], [4]],
    ["ab,bc,cd->ad", [2, 3], [3, 4], [4, 2]],
    ["ij,kl->", [2, 3], [4, 5]],
    [" i j , j -> i ", [2, 3], [3]],
    [",i->i", [], [3]],
    ["->", []],
    ["ij,jk->ik", [2, 0], [0, 3]],
  ] as [string, ...number[][]][])("%s", (equation, ...inputs) =>
    agree([{ type, inputs, attributes: { equation } }]),
  );
  it("takes integers and float64", () =>
    agree(
      (["int32", "int64", "float64"] as const).map((dtype) => ({
        type,
        inputs: [noise("a", [2, 2, 3], dtype), noise("b", [4, 3], dtype)],
        attributes: { equation: "iij,kj->ik" },
      })),
    ));
});
