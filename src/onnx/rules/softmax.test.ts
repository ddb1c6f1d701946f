import { describe, expect, it } from "vitest";
import { checkNode } from "../../testing/check-node.ts";

describe.each(["Softmax", "LogSoftmax"])("%s", (type) => {
  it.each([0, 1, 2, -1, -2])(
    "over axis %i, since opset 13 alone, before with all that follow",
    async (axis) => {
      for (const opset of [11, 12, 13, 22]) {
        const node = { type, inputs: [[2, 3, 4]], opset, attributes: { axis } };
        expect(await checkNode(node), `opset ${opset}`).toBeLessThan(1e-6);
      }
    },
  );
  it("has the default axes of its opset", async () => {
    for (const opset of [11, 13])
      expect(await checkNode({ type, inputs: [[2, 3, 4]], opset })).toBeLessThan(1e-6);
  });
});
