import { expect, it } from "vitest";
import { pooledLayers, pooledOutput } from "./image-layers.ts";

/** 0, 1, 2, … in that shape. */
const counted = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => at),
});
const plain = (rows: Float32Array[] | string) =>
  typeof rows === "string" ? rows : rows.map((row) => [...row]);

it.each([
  ["vectors as they are", "mean", "nchw", [2, 3], ["0 1 2", "3 4 5"]],
  ["the mean over tokens", "mean", "nchw", [2, 2, 3], ["1.5 2.5 3.5", "7.5 8.5 9.5"]],
  ["the first token", "cls", "nhwc", [2, 2, 3], ["0 1 2", "6 7 8"]],
  ["the mean over places of maps", "mean", "nchw", [2, 2, 1, 3], ["1 4", "7 10"]],
  ["that of maps of the other layout", "mean", "nhwc", [2, 2, 1, 3], ["1.5 2.5 3.5", "7.5 8.5 9.5"]],
  ["the mean of maps, which have no first token", "cls", "nchw", [1, 2, 3, 1], ["1 4"]],
  ["the only place of maps", "mean", "nchw", [2, 1, 1, 3], ["0 1 2", "3 4 5"]],
] as const)("an output gives %s", (_, pooling, layout, shape, expected) => {
  const rows = pooledOutput(counted(...shape), shape[0], { pooling, layout });
  expect(plain(rows)).toEqual(expected.map((row) => row.split(" ").map(Number)));
});

it("an output of another shape or number of rows is told of", () => {
  const options = { pooling: "mean", layout: "nchw" } as const;
  expect(pooledOutput(counted(4), 4, options)).toBe("its output is [4] for 4 images");
  expect(pooledOutput(counted(2, 3), 4, options)).toBe("its output is [2, 3] for 4 images");
});

it("the states after each layer stand side by side, where they are of one width", () => {
  const layers = [counted(2, 2, 3), counted(2, 3, 2, 1)];
  expect(plain(pooledLayers(layers, 2, "cls"))).toEqual([
    [0, 1, 2, 0.5, 2.5, 4.5],
    [6, 7, 8, 6.5, 8.5, 10.5],
  ]);
  expect(pooledLayers([counted(2, 2, 3), counted(2, 2, 4)], 2, "mean")).toBe(
    "the states after its layers are of different widths (3, 4)",
  );
  expect(pooledLayers([counted(2, 3)], 2, "mean")).toBe(
    "the states after one of its layers are [2, 3] for 2 images",
  );
});
