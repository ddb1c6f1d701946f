/** @file Single-operator cases, most of them the ONNX project's own: read, written, read again, compiled and run. */
import { describe, expect, it } from "vitest";
import { compile } from "../runtime/node.ts";
import type { Tensor } from "../tensor/spec.ts";
import { type Case, conformanceCases } from "./cases.fixture.ts";
import { readOnnx } from "./read.ts";
import { rules } from "./rules/index.ts";
import { structureFaults } from "./structure.fixture.ts";
import { writeOnnx } from "./write.ts";

/** Allowed |a − b| as a share of max(1, |b|): float32 sums in another order. */
const tolerance = 1e-5;

const all = conformanceCases();

describe("single-operator cases", () => {
  it("are there for every operator that is read", () => {
    const types = Object.keys(rules).map((type) => type.replace("com.microsoft.", ""));
    expect(types.filter((type) => !all.has(type))).toEqual([]);
    expect([...all.values()].flat().length).toBeGreaterThan(1600);
  });

  it.each([...all.keys()])(
    "%s gives what its definition says, also when written and read again",
    async (operator) => {
      const failures: string[] = [];
      for (const each of all.get(operator)!) {
        const failure = await failureOf(each).catch((error: Error) => error.message);
        if (failure) failures.push(`${each.name} (opset ${each.opset}): ${failure}`);
      }
      expect(failures).toEqual([]);
    },
  );
});

async function failureOf({ model, inputs, outputs }: Case): Promise<string | null> {
  const written = writeOnnx(readOnnx(model));
  const [fault] = structureFaults(written);
  if (fault) return `the written file: ${fault}`;
  const graph = readOnnx(written);
  const program = await compile(graph, { threads: 1 });
  try {
    // An input of which nothing but the shape matters is not part of the graph any more.
    const feeds = Object.entries(inputs).filter(([name]) => graph.inputs.has(name));
    const got = await program.run(Object.fromEntries(feeds));
    for (const [name, want] of Object.entries(outputs)) {
      const difference = differenceOf(got[name], want);
      if (difference) return `output ${name}: ${difference}`;
    }
    return null;
  } finally {
    await program.dispose();
  }
}

function differenceOf(got: Tensor | undefined, want: Tensor): string | null {
  if (!got) return "missing";
  const types = [got, want].map(({ data }) => data.constructor.name);
  if (types[0] !== types[1]) return `a ${types[0]}, not a ${types[1]}`;
  if (String(got.shape) !== String(want.shape)) return `shape [${got.shape}], not [${want.shape}]`;
  for (let i = 0; i < want.data.length; i++) {
    const [a, b] = [got.data[i]!, want.data[i]!];
    if (!agree(a, b, want)) return `element ${i} is ${a}, not ${b}`;
  }
  return null;
}

function agree(a: number | bigint, b: number | bigint, { data }: Tensor): boolean {
  if (a === b || Object.is(a, b)) return true;
  const exact = !(data instanceof Float32Array || data instanceof Float64Array);
  if (exact || typeof a === "bigint" || typeof b === "bigint") return false;
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
}
