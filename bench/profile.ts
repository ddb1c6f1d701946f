/** @file Where the time of a training step goes: ONNX Runtime's own profile, added up by operator and shapes. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recipeConfig } from "../src/models/recipes.ts";
import { trainStep } from "../src/models/train-step.ts";
import { compile } from "../src/runtime/node.ts";
import { stream } from "../src/tensor/random.ts";
import type { Tensor } from "../src/tensor/spec.ts";
import { median, rounded } from "./machine.ts";

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args: {
    readonly op_name: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

const items = 12_101;
const runs = 12;

/** One training step of the default recipe on random histories of eight items, fed again and again. */
async function profileStep(threads: number, prefix: string): Promise<number> {
  const config = recipeConfig({});
  const { rowLength: width, batchTokens } = config.training;
  const rows = batchTokens / width;
  const { graph, params } = trainStep(config, { items, rows, width });
  const random = stream(1, "profile");
  const integers = (at: (i: number) => number): Tensor => ({
    data: Int32Array.from({ length: batchTokens }, (_, i) => at(i)),
    shape: [rows, width],
  });
  const feeds = {
    ...params.initialize(1),
    item: integers(() => random.below(items)),
    target: integers(() => random.below(items)),
    position: integers((i) => 7 - (i % 8)),
    segment: integers((i) => Math.floor((i % width) / 8)),
    weight: { data: new Float32Array(batchTokens).fill(1), shape: [rows, width] },
  };
  const program = await compile(graph, { threads, params: "fed", profile: prefix });
  const times: number[] = [];
  for (let k = 0; k < runs; k++) {
    const began = performance.now();
    await program.run(feeds, { seed: 1, index: 1 });
    times.push(performance.now() - began);
  }
  await program.dispose();
  return median(times);
}

/** Median time of each kind of node: the same operator on the same shapes. */
function addUp(events: readonly ProfileEvent[]) {
  const kinds = new Map<string, Map<string, number[]>>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const shapes = (args.input_type_shape ?? []).map((input) => `[${Object.values(input)[0]!.join(", ")}]`);
    const kind = `${args.op_name} ${shapes.join(" ")}`;
    const nodes = kinds.get(kind) ?? new Map<string, number[]>();
    nodes.set(name, [...(nodes.get(name) ?? []), dur / 1000]);
    kinds.set(kind, nodes);
  }
  return [...kinds]
    .map(([kind, nodes]) => {
      const milliseconds = [...nodes.values()].reduce((total, times) => total + median(times), 0);
      return { kind, nodes: nodes.size, milliseconds };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** The default recipe's training step on 12,101 items, by kind of node. */
export async function benchProfile({ threads }: { threads: number }): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), "sequitur-profile-"));
  try {
    const stepMilliseconds = await profileStep(threads, join(folder, "step"));
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file!), "utf8")) as ProfileEvent[];
    const kinds = addUp(events);
    const all = kinds.reduce((total, { milliseconds }) => total + milliseconds, 0);
    const shown = kinds.slice(0, 15).map((kind) => ({
      ...kind,
      milliseconds: rounded(kind.milliseconds),
      share: rounded(kind.milliseconds / all),
    }));
    return { threads, items, stepMilliseconds: rounded(stepMilliseconds), kinds: shown };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
