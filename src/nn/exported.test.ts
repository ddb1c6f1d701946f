/** @file Adaptation of networks exported by PyTorch. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Graph, print } from "../graph/graph.ts";
import { readFixture } from "../onnx/cases.fixture.ts";
import { readOnnx } from "../onnx/read.ts";
import { compile } from "../runtime/node.ts";
import type { Fetches } from "../runtime/runtime.ts";
import { numbers } from "../tensor/spec.ts";
import { relativeError } from "../testing/check-op.ts";
import { adapters, lora, mergeLora } from "./adapt.ts";
import { disturb } from "./networks.fixture.ts";

const read = (name: string): Graph =>
  readOnnx(readFileSync(new URL(`../../../fixtures/networks/${name}.onnx`, import.meta.url)));

function feedsOf(name: string) {
  const { tensors, metadata } = readFixture(`networks/${name}.safetensors.gz`);
  const [{ inputs }] = JSON.parse(metadata.runs!) as [{ inputs: Record<string, string> }];
  return Object.fromEntries(Object.entries(inputs).map(([input, stored]) => [input, tensors[stored]!]));
}

async function run(graph: Graph, feeds: ReturnType<typeof feedsOf>): Promise<Fetches> {
  const program = await compile(graph, { threads: 1 });
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

const distance = (a: Fetches, b: Fetches): number =>
  Math.max(...Object.keys(b).map((name) => relativeError(numbers(a[name]!.data), numbers(b[name]!.data))));

describe.each(["bert", "gpt", "mixer", "mobilenet", "resnet"])("%s, exported", (name) => {
  it("is as before with updates or adapters at the start, another function later, and merges", async () => {
    const feeds = feedsOf(name);
    const before = await run(read(name), feeds);
    const adapted = lora(read(name), { rank: 2, targets: "*" });
    expect(distance(await run(adapted, feeds), before)).toBeLessThan(1e-6);
    expect(distance(await run(adapters(read(name), { size: 2, after: "*" }), feeds), before)).toBeLessThan(
      1e-6,
    );
    const changed = await run(disturb(adapted), feeds);
    expect(distance(changed, before)).toBeGreaterThan(1e-3);
    const merged = mergeLora(adapted);
    expect(print(merged)).toBe(print(read(name)));
    expect(distance(await run(merged, feeds), changed)).toBeLessThan(1e-5);
  });
});

describe("names in exported files", () => {
  it("choose weights that the exporter left without theirs", () => {
    const adapted = lora(read("bert"), { rank: 1, targets: "/layers.*/attention/query/*" });
    const added = [...adapted.params.keys()].filter((name) => name.endsWith(".lora.a"));
    expect(added).toHaveLength(2);
    for (const name of added) expect(name).toMatch(/^onnx::MatMul_\d+\.lora\.a$/);
    const behind = adapters(read("bert"), { size: 2, after: "layers.*.attention.output.bias" });
    expect([...behind.params.keys()].filter((name) => name.endsWith(".up.weight"))).toEqual([
      "layers.0.attention.output.bias.adapter.up.weight",
      "layers.1.attention.output.bias.adapter.up.weight",
    ]);
  });
});
