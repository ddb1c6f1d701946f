/** @file Translations of matrix products. */
import type { Value } from "../../graph/graph.ts";
import { add, einsum, matmul, mul, transpose } from "../../graph/ops/index.ts";
import type { OnnxNode, Rules } from "../node.ts";

/** alpha·A′·B′ + beta·C, where a prime stands for an optional transpose. */
export function gemm(node: OnnxNode): Value {
  const [a, b] = [node.input(0), node.input(1)];
  if (a.rank !== 2 || b.rank !== 2) node.fail(`its operands must have two axes, not ${a.rank} and ${b.rank}`);
  const product = matmul(a, b, {
    transA: node.int("transA", 0) !== 0,
    transB: node.int("transB", 0) !== 0,
    scale: node.float("alpha", 1),
  });
  const c = node.optional(2);
  const beta = node.float("beta", 1);
  if (!c || beta === 0) return product;
  return add(product, beta === 1 ? c : mul(c, beta));
}

/** Moves the first axis before the last: [M, B…, K] → [B…, M, K]. */
function batchFirst(x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return x.rank < 3 ? x : transpose(x, [...axes.slice(1, -1), 0, x.rank - 1]);
}

function fusedMatMul(node: OnnxNode): Value {
  const operand = (i: number, letter: string): Value => {
    const x = node.input(i);
    return node.int(`transBatch${letter}`, 0) === 0 ? x : batchFirst(x);
  };
  return matmul(operand(0, "A"), operand(1, "B"), {
    transA: node.int("transA", 0) !== 0,
    transB: node.int("transB", 0) !== 0,
    scale: node.float("alpha", 1),
  });
}

export const productRules: Rules = {
  MatMul: (node) => matmul(node.input(0), node.input(1)),
  Gemm: gemm,
  Einsum: (node) => einsum(node.string("equation"), ...node.inputs()),
  "com.microsoft.FusedMatMul": fusedMatMul,
};
