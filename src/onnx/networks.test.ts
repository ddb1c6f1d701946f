/** @file Networks exported by PyTorch: outputs and gradients of every parameter, against PyTorch's own. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradient } from "../autodiff/gradient.ts";
import { compile } from "../runtime/node.ts";
import type { Feeds } from "../runtime/runtime.ts";
import { isFloat, type Tensor } from "../tensor/spec.ts";
import { readFixture } from "./cases.fixture.ts";
import { readOnnx } from "./read.ts";
import { structureFaults } from "./structure.fixture.ts";
import { writeOnnx } from "./write.ts";

/** max |a − b| / max |b| of outputs, and of gradients of one parameter. */
const limits = { output: 1e-5, gradient: 1e-4 } as const;
/**
 * Some gradients are zero but for rounding (the bias of keys, which softmax cancels): they are compared at this share
 * of the network's largest gradient.
 */
const floor = 1e-3;

type Names = Readonly<Record<string, string>>;
interface Run {
  readonly inputs: Names;
  readonly outputs: Names;
}
interface Backward {
  readonly of: string;
  /** The gradient that arrives at `of`; null for a scalar. */
  readonly cotangent: string | null;
  readonly parameters: Names;
}

// Made by fixtures/pytorch_networks.py.
function network(name: string) {
  const { tensors, metadata } = readFixture(`networks/${name}.safetensors.gz`);
  const pick = (names: Names): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(names).map(([key, stored]) => [key, tensors[stored]!]));
  const path = new URL(`../../../fixtures/networks/${name}.onnx`, import.meta.url);
  return {
    bytes: readFileSync(path),
    runs: (JSON.parse(metadata.runs!) as Run[]).map((run) => ({
      inputs: pick(run.inputs),
      outputs: pick(run.outputs),
    })),
    backwards: (JSON.parse(metadata.gradients!) as Backward[]).map(({ of, cotangent, parameters }) => ({
      of,
      cotangent: cotangent === null ? null : tensors[cotangent]!,
      expected: pick(parameters),
    })),
    /** Float parameters of the file that PyTorch does not train: statistics of normalisation. */
    others: JSON.parse(metadata.others!) as string[],
  };
}

const largest = ({ data }: Tensor): number =>
  (data as Float32Array).reduce((size, v) => Math.max(size, Math.abs(v)), 0);

function errorOf(got: Tensor, want: Tensor, least = 0): number {
  expect(got.shape).toEqual(want.shape);
  const distance = {
    data: Float32Array.from(want.data as Float32Array, (v, i) => v - Number(got.data[i])),
    shape: [],
  };
  const error = largest(distance) / Math.max(largest(want), least);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

async function run(graph: ReturnType<typeof readOnnx>, feeds: Feeds): Promise<Record<string, Tensor>> {
  const program = await compile(graph, { threads: 1 });
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

describe.each(["bert", "resnet", "mobilenet", "mixer", "gpt"])("the exported network %s", (name) => {
  const { bytes, runs, backwards, others } = network(name);

  it("gives PyTorch's outputs at every size of its open dimensions, also when written and read again", async () => {
    const graph = readOnnx(bytes);
    const written = writeOnnx(graph);
    expect(structureFaults(written)).toEqual([]);
    for (const each of [graph, readOnnx(written)]) {
      for (const { inputs, outputs } of runs) {
        const got = await run(each, inputs);
        const errors = Object.entries(outputs).map(([output, want]) => errorOf(got[output]!, want));
        expect(Math.max(...errors)).toBeLessThan(limits.output);
      }
    }
  });

  it.each(backwards.map(({ of }) => of))(
    "gives PyTorch's gradients of %s for every parameter",
    async (of) => {
      const { cotangent, expected } = backwards.find((each) => each.of === of)!;
      const graph = readOnnx(bytes);
      const wrt = Object.keys(expected);
      const backward = gradient(graph, { of, wrt, ...(cotangent ? { cotangent: "arriving" } : {}) });
      const feeds = { ...runs[0]!.inputs, ...(cotangent ? { arriving: cotangent } : {}) };
      const got = await run(backward, feeds);
      const least = floor * Math.max(...Object.values(expected).map(largest));
      const wrong = wrt.flatMap((parameter) => {
        const error = errorOf(got[`d/${parameter}`]!, expected[parameter]!, least);
        return error < limits.gradient ? [] : [`${parameter}: ${error}`];
      });
      expect(wrong).toEqual([]);
    },
  );

  it("has no other float parameters than those that PyTorch trains, and statistics", () => {
    const float = [...readOnnx(bytes).params].filter(([, { value }]) => isFloat(value.dtype));
    const trained = backwards.flatMap(({ expected }) => Object.keys(expected));
    expect(new Set(float.map(([parameter]) => parameter))).toEqual(new Set([...trained, ...others]));
  });
});
