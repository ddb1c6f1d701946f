import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { genreNetwork, type Mode, slopeError } from "../bench/finetune-network.ts";
import { gradient } from "../src/autodiff/gradient.ts";
import { reachableNodes } from "../src/graph/graph.ts";
import { trainable } from "../src/nn/adapt.ts";
import { checkModel } from "../src/testing/check-model.ts";

const shared = resolve("..", "shared");
const file = resolve(shared, "models", "mobilenet-v1-embedding.onnx");
const present = existsSync(file);
const reason = present ? "" : " (skipped: ../shared/models is not there)";

/** Smooth pictures: waves of different lengths in every channel. */
function waves(pictures: number, side: number): Float32Array {
  const places = side * side;
  return Float32Array.from({ length: pictures * 3 * places }, (_, i) => {
    const plane = Math.floor(i / places);
    const [row, column] = [Math.floor((i % places) / side), i % side];
    return 0.8 * Math.sin((row * (plane + 1)) / 37) * Math.cos((column * (plane + 2)) / 53);
  });
}

describe.skipIf(!present)(`a pretrained image encoder${reason}`, () => {
  it("gives the embeddings that ONNX Runtime makes of its file", async () => {
    const input = { data: waves(2, 224), shape: [2, 3, 224, 224] };
    expect(await checkModel(readFileSync(file), { input })).toBeLessThan(1e-5);
  });

  it("has the gradient that differences show, in whole and in low-rank updates", () => {
    expect(slopeError(shared, "full")).toBeLessThan(1e-6);
    expect(slopeError(shared, "lora")).toBeLessThan(1e-6);
  }, 120_000);

  it("costs nothing backward where it is frozen", () => {
    const backward = (mode: Mode): string[] => {
      const graph = genreNetwork(shared, mode, 18, ["N", 224]);
      const forward = new Set(reachableNodes(graph, [graph.value("loss")]).map(({ op }) => op.name));
      const step = gradient(graph, { of: "loss", wrt: trainable(graph) });
      const names = reachableNodes(step).map(({ op }) => op.name);
      const count = (name: string): number => names.filter((n) => n === name).length;
      expect(forward).toContain("conv");
      return [`${count("conv")} conv`, `${count("convTranspose")} input`, `${count("convWeights")} weight`];
    };
    expect(backward("frozen")).toEqual(["27 conv", "0 input", "0 weight"]);
    expect(backward("full")).toEqual(["27 conv", "26 input", "27 weight"]);
    // Two factors for each of 13 layers; nothing before the first of them.
    expect(backward("lora")).toEqual(["53 conv", "49 input", "26 weight"]);
  });
});
