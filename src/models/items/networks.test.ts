import { describe, expect, it } from "vitest";
import { paramGradients } from "../../autodiff/gradient.ts";
import { imageTransformer, openedNetwork, textTransformer } from "../../content/transformer.fixture.ts";
import { Graph, reachableNodes, type Value } from "../../graph/graph.ts";
import { greater } from "../../graph/ops/index.ts";
import { Params } from "../../nn/params.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { evaluateReference, toNdArray } from "../../runtime/reference.ts";
import { stream } from "../../tensor/random.ts";
import { count, f32, numbers, type Tensor } from "../../tensor/spec.ts";
import { recipeConfig } from "../recipes.ts";
import { itemStep } from "../steps.ts";
import { trainStep } from "../train-step.ts";
import { networkHead } from "./network-head.ts";

const vocabulary = 20;
const [items, length, side] = [12, 5, 4];

const networks = new Map([
  openedNetwork("text", textTransformer({ vocabulary, width: 8, layers: 3 })),
  openedNetwork("image", imageTransformer({ side, patch: 2, width: 6, layers: 2 })),
]);

const partsOf = (settings: object) => ({
  "text-encoder": { name: "text-encoder", encoder: "text", dim: 4, length, activation: "none", ...settings },
  "image-encoder": {
    name: "image-encoder",
    encoder: "image",
    dim: 4,
    width: side,
    height: side,
    activation: "none",
    ...settings,
  },
});
type Part = keyof ReturnType<typeof partsOf>;

const configOf = (part: Part, settings: object = {}) =>
  recipeConfig({
    config: {
      items: partsOf(settings)[part],
      loss: { name: "sampled-softmax", negatives: 4, from: "batch" },
      backbone: { dropout: 0 },
      training: { rowLength: 8, maxLength: 8 },
    },
  });

const size = { items, rows: 1, width: 8 };

/** One step of a model whose weights start from seed 1, and what it is fed. */
function stepOf(part: Part, settings: object = {}) {
  const config = configOf(part, settings);
  const { graph, params, fedRows, gradients } = trainStep(config, size, networks);
  const weights = params.initialize(1);
  const random = stream(7, "step");
  const ints = (n: number, below: number): Int32Array =>
    Int32Array.from({ length: n }, () => random.below(below));
  const rows = fedRows!.count;
  const grid = (data: Int32Array | Float32Array): Tensor => ({ data, shape: [1, 8] });
  const feeds: Record<string, Tensor> = {
    ...weights,
    item: grid(ints(8, rows)),
    position: grid(Int32Array.from({ length: 8 }, (_, k) => 7 - k)),
    segment: grid(new Int32Array(8).fill(1)),
    target: grid(ints(8, rows)),
    weight: grid(new Float32Array(8).fill(1)),
    negatives: { data: ints(4, rows), shape: [4] },
    correction: { data: new Float32Array(4), shape: [4] },
    "items.tokens": { data: ints(rows * length, vocabulary), shape: [rows, length] },
    "items.lengths": {
      data: Int32Array.from({ length: rows }, (_, k) => k % (length + 1)),
      shape: [rows, 1],
    },
    "items.present": {
      data: Float32Array.from({ length: rows }, (_, k) => Number(k !== 3)),
      shape: [rows, 1],
    },
    "items.points": {
      data: Uint8Array.from({ length: rows * 3 * side * side }, () => random.below(256)),
      shape: [rows, 3 * side * side],
    },
  };
  for (const name of [...graph.frozen]) if (graph.params.get(name)!.data === null) graph.frozen.delete(name);
  const fed = [...graph.params.keys()]
    .filter((name) => !graph.frozen.has(name))
    .concat([...graph.inputs.keys()]);
  return {
    feeds: Object.fromEntries(fed.map((name) => [name, feeds[name]!])),
    graph,
    params,
    gradients,
    weights,
  };
}

/** What the step gives by ONNX Runtime, and in float64. */
async function outputsOf({ graph, feeds }: ReturnType<typeof stepOf>) {
  const program = await nodeRuntime.compile(graph, { threads: 1, params: "trained" });
  const outputs = await program.run(feeds);
  await program.dispose();
  const stored = [...graph.params].flatMap(([name, { data }]) => (data ? [[name, data] as const] : []));
  const given = Object.entries({ ...Object.fromEntries(stored), ...feeds });
  const exact = evaluateReference(graph, Object.fromEntries(given.map(([name, t]) => [name, toNdArray(t)])));
  return { outputs, exact };
}

/** The loss of a frozen network, by part. */
const starts: Partial<Record<Part, number>> = {};

const wide = { targets: ["*"] };
const modes: readonly (readonly [Part, object])[] = (["text-encoder", "image-encoder"] as const).flatMap(
  (part) => [
    [part, {}],
    [part, { mode: "frozen" }],
    [part, { mode: "frozen", also: ["*LayerNorm*"] }],
    [part, { mode: "top", top: 1 }],
    [part, { mode: "lora", rank: 2 }],
    [part, { mode: "lora", rank: 2, ...wide }],
    [part, { mode: "adapter", size: 3 }],
    [part, { mode: "adapter", adapter: "pfeiffer", size: 3 }],
  ],
);

describe("a pretrained network inside a model", () => {
  it.each(modes)(
    "of %s with %j starts as the file has it, and what is added changes nothing",
    async (part, settings) => {
      const { outputs, exact } = await outputsOf(stepOf(part, settings));
      const loss = exact.loss!.data[0]!;
      starts[part] ??= (await outputsOf(stepOf(part, { mode: "frozen" }))).exact.loss!.data[0]!;
      expect(loss).toBe(starts[part]);
      expect(loss).toBeGreaterThan(0);
      for (const [name, { data }] of Object.entries(exact)) {
        const got = numbers(outputs[name]!.data);
        const most = data.reduce((size, v) => Math.max(size, Math.abs(v)), 1e-3);
        expect(Math.max(...got.map((v, i) => Math.abs(v - data[i]!))) / most).toBeLessThan(1e-4);
      }
    },
  );

  const trainedOf = (part: Part, settings: object) => {
    const { gradients, weights } = stepOf(part, settings);
    const names = gradients.map(({ param }) => param).filter((name) => name.startsWith("items.network."));
    const own = names.map((name) => name.slice("items.network.".length));
    return { own, size: names.reduce((total, name) => total + count(weights[name]!.shape), 0) };
  };
  const layer = 4 * (8 * 8 + 8) + 2 * (8 * 16) + 16 + 8 + 4 * 8;

  it("is trained as its mode says", () => {
    const part = "text-encoder";
    expect(trainedOf(part, {}).size).toBe(vocabulary * 8 + 3 * layer);
    expect(trainedOf(part, { mode: "frozen" }).own).toEqual([]);
    const top = trainedOf(part, { mode: "top", top: 2 });
    expect(top.size).toBe(2 * layer);
    expect(top.own.every((name) => /^encoder\.layer\.[12]\./.test(name))).toBe(true);
    const norms = trainedOf(part, { mode: "frozen", also: ["*LayerNorm*"] });
    expect(norms.size).toBe(3 * 4 * 8);
    // Query and value of three layers, each with two factors of rank 2.
    expect(trainedOf(part, { mode: "lora", rank: 2 }).size).toBe(3 * 2 * 2 * (8 * 2));
    // Houlsby: 2 · (2·d·r + d + r) a layer.
    expect(trainedOf(part, { mode: "adapter", size: 3 }).size).toBe(3 * 2 * (2 * 8 * 3 + 8 + 3));
    expect(trainedOf(part, { mode: "adapter", adapter: "pfeiffer", size: 3 }).size).toBe(
      3 * (2 * 8 * 3 + 8 + 3),
    );
  });

  it("has steps of its own size, but for what was added", () => {
    const rates = (settings: object) => stepOf("text-encoder", settings).params.rates;
    const full = rates({ rate: 0.25 });
    expect(full.get("items.network.embeddings.word")).toBe(0.25);
    expect(full.has("items.head.weight")).toBe(false);
    expect([...rates({ mode: "lora", rank: 2 })]).toEqual([]);
  });

  /** How many nodes the gradients of all that is trained take. */
  function backwardNodes(vectors: Value): number {
    const { graph } = vectors;
    const forward = new Set(reachableNodes(graph, [vectors]));
    const wrt = [...graph.params].flatMap(([name, { value }]) => (graph.frozen.has(name) ? [] : [value]));
    const gradients = paramGradients(vectors, wrt, graph.input("slope", vectors.spec));
    const ends = gradients.flatMap(({ dense }) => (dense ? [dense] : []));
    return reachableNodes(graph, ends).filter((node) => !forward.has(node)).length;
  }

  it.each([
    ["text-encoder", 8],
    ["image-encoder", 6],
  ] as const)("has no backward graph when frozen: %s", (part, width) => {
    const [frozen, top, full] = [{ mode: "frozen" }, { mode: "top", top: 1 }, {}].map((settings) =>
      backwardNodes(itemStep(configOf(part, settings), items, networks).graph.outputs.get("vectors")!),
    );
    // What is left is that of the head over any given vectors.
    const p = new Params(new Graph());
    const known = greater(p.constant("present", f32(items, 1)), 0);
    const head = { known, dim: 4, hidden: 0, activation: "none" } as const;
    expect(frozen).toBe(backwardNodes(networkHead(p, p.constant("states", f32(items, width)), head).vectors));
    expect(top!).toBeGreaterThan(frozen! + 20);
    expect(full!).toBeGreaterThan(top! + 20);
  });

  it.each([
    [{ mode: "lora", targets: ["*querry*"] }, 'lora: "*querry*" matches no weight'],
    [{ mode: "top", top: 9 }, 'mode "top" 9 asks for more layers than there are: it has 3'],
    [{ mode: "adapter", after: ["/nothing"] }, 'adapters: "/nothing" matches no layer or value'],
    [{ mode: "frozen", also: ["x*y"] }, '"x*y" matches no parameter'],
    [{ encoder: "other" }, 'items: the network "other" is not open'],
  ])("says what is wrong with %j", (settings, message) => {
    expect(() => trainStep(configOf("text-encoder", settings), size, networks)).toThrow(message);
  });

  it("says what is wrong with networks of other kinds", () => {
    const swapped = new Map([
      ["text", networks.get("image")!],
      ["image", networks.get("text")!],
    ]);
    expect(() => trainStep(configOf("text-encoder"), size, swapped)).toThrow(
      'image: its input "pixels" FLOAT [batch, 3, 4, 4] is none of a text encoder',
    );
    expect(() => trainStep(configOf("image-encoder"), size, swapped)).toThrow(
      'text: it takes "input_ids" INT64 [batch, tokens], "attention_mask" INT64 [batch, tokens]; an image encoder takes',
    );
  });
});
