/** @file Time and quality of every baseline: fitted, saved, validated and evaluated on test, one after the other. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataset } from "../src/data/dataset.ts";
import { importInteractions } from "../src/data/import.ts";
import { evaluateRun } from "../src/evaluation/evaluate-run.ts";
import { baselines } from "../src/models/baselines/index.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import { train } from "../src/training/train.ts";
import { rounded } from "./machine.ts";

export interface BaselinesBenchOptions {
  readonly shared: string;
  readonly threads: number;
  readonly data: string;
  readonly onProgress?: (message: string) => void;
}

/** `fitSeconds` is the fit alone; `seconds` has saving, validation and the test evaluation in it too. */
export async function benchBaselines(options: BaselinesBenchOptions): Promise<Record<string, unknown>> {
  const { shared, threads, data: name, onProgress } = options;
  const folder = await mkdtemp(join(tmpdir(), "sequitur-baselines-"));
  try {
    const data = join(folder, "data");
    await importInteractions({ interactions: join(shared, "data", name, "interactions.csv.gz"), out: data });
    const rows: Record<string, unknown>[] = [];
    const { times } = await openDataset(data);
    const fit = baselines.filter(({ needsTimes }) => times || !needsTimes);
    for (const { name: recipe, source } of fit) {
      onProgress?.(recipe);
      const out = join(folder, recipe);
      const [began, used] = [performance.now(), process.cpuUsage()];
      const set = [{ path: "training.threads", value: threads }];
      const { seconds: fitSeconds } = await train({ data, out, recipe, set });
      const { metrics, users, items } = await evaluateRun({ run: out, openScorer, threads });
      const { user, system } = process.cpuUsage(used);
      rows.push({
        recipe,
        source,
        users,
        items,
        fitSeconds: rounded(fitSeconds),
        seconds: rounded((performance.now() - began) / 1000),
        processorSeconds: rounded((user + system) / 1e6),
        metrics,
      });
      await rm(out, { recursive: true });
    }
    return {
      data: name,
      threads,
      protocol: "leave-one-out, test, all items ranked, seen items excluded, ties against the model",
      rows,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
