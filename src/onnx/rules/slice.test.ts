import { describe, expect, it } from "vitest";
import type { Dim } from "../../tensor/dims.ts";
import { readOnnx } from "../read.ts";
import { modelOf } from "./model.fixture.ts";
import { type Case, check, fieldsOf, ints } from "./node.fixture.ts";

const far = 2 ** 31 - 1;
const farther = 2 ** 62;

describe("Slice", () => {
  const cut = (starts: number[], ends: number[], axes?: number[], steps?: number[]): Case["rest"] => [
    ints(...starts),
    ints(...ends),
    ...(axes ? [ints(...axes)] : steps ? [null] : []),
    ...(steps ? [ints(...steps)] : []),
  ];
  it.each<[string, Case["rest"], Dim[]]>([
    ["both ends", cut([1], [3]), [2, 4]],
    ["all axes", cut([1, 0], [3, 2]), [2, 2]],
    ["negative places", cut([-3, -2], [-1, far]), [2, 2]],
    ["places outside", cut([-9, 2], [far, 99]), [5, 2]],
    ["nothing left", cut([3], [1]), [0, 4]],
    ["steps", cut([0, 1], [far, far], [0, 1], [2, 3]), [3, 1]],
    ["backwards", cut([-1], [-far], [1], [-1]), [5, 4]],
    ["backwards to the first", cut([far], [-99], [-1], [-3]), [5, 2]],
    ["backwards by steps", cut([4], [0], [0], [-3]), [2, 4]],
    ["backwards to nothing", cut([1], [3], [0], [-1]), [0, 4]],
    ["without axes", cut([4, 3], [-99, -99], undefined, [-1, -2]), [5, 2]],
    ["a later axis first", cut([1, 1], [2, 3], [1, 0]), [2, 1]],
    ["a flip", cut([-1], [-(2 ** 63)], [0], [-1]), [5, 4]],
    ["a very far end", cut([1], [farther], [0]), [4, 4]],
  ])("takes parts: %s", async (_, rest, shape) => {
    await check({ type: "Slice", x: [5, 4], rest: rest!, shape });
    await check({ type: "Slice", x: [5, 4], rest: rest!, dtype: "int64", opset: 11 });
    await check({ type: "Slice", x: [5, 4], open: ["A", "B"], rest: rest! });
  });

  it.each<[string, Case["rest"], Dim]>([
    ["from the second on", cut([1], [far]), "L-1"],
    ["without the last", cut([0], [-1]), "L-1"],
    ["the last", cut([-1], [far]), 1],
    ["the first", cut([0], [1]), 1],
    ["at most three", cut([0], [3]), "min(3,L)"],
    ["at most the last three", cut([-3], [far]), "L-max(0,L-3)"],
    ["two of them, if there", cut([1], [3]), "min(3,L)-1"],
    ["one in the middle", cut([1], [2]), 1],
    ["every second", cut([0], [far], [0], [2]), "floor(L+1/2)"],
    ["in opposite order", cut([-1], [-far], [0], [-1]), "L"],
    ["all", cut([0], [far]), "L"],
  ])("keeps open axes open: %s", async (_, rest, shape) => {
    for (const size of [2, 4, 7])
      await check({ type: "Slice", x: [size], open: ["L"], rest: rest!, shape: [shape] });
  });

  it.each<[string, Case["rest"], string]>([
    ["step 0", cut([0], [1], [0], [0]), "one of its steps is 0"],
    ["lists of different lengths", [ints(0), ints(1, 2)], "it has 1 starts, 2 ends, 1 axes and 1 steps"],
    ["one axis twice", cut([0, 0], [1, 1], [0, -2]), "its axes 0,0 name one twice"],
  ])("refuses %s", (_, rest, message) => {
    expect(() => readOnnx(modelOf(fieldsOf({ type: "Slice", x: [5, 4], rest: rest! })))).toThrow(
      `readOnnx: node "Slice_0" (Slice): ${message}`,
    );
  });
});
