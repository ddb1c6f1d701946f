/** @file What ONNX Runtime really runs, and when: from its own profile of one run. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Graph } from "../graph/graph.ts";
import { compile } from "../runtime/node.ts";
import type { Feeds } from "../runtime/runtime.ts";

/** A node after ONNX Runtime's optimisations. */
export interface Executed {
  readonly type: string;
  /** Of the first output. */
  readonly shape: readonly number[];
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly args: {
    readonly op_name: string;
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

/** The nodes of one run in the order in which they ran. */
export async function executedNodes(graph: Graph, feeds: Feeds): Promise<Executed[]> {
  const folder = await mkdtemp(join(tmpdir(), "sequitur-executed-"));
  try {
    const program = await compile(graph, { params: "fed", threads: 1, profile: join(folder, "profile") });
    await program.run(feeds);
    await program.dispose();
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file!), "utf8")) as ProfileEvent[];
    return events
      .filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"))
      .sort((a, b) => a.ts - b.ts)
      .map(({ args }) => ({
        type: args.op_name,
        shape: Object.values(args.output_type_shape?.[0] ?? {})[0] ?? [],
      }));
  } finally {
    await rm(folder, { recursive: true });
  }
}
