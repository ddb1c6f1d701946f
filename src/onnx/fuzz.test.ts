import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Graph } from "../graph/graph.ts";
import { operators } from "../graph/ops/index.ts";
import { conformanceCases } from "./cases.fixture.ts";
import type { FuzzReport } from "./fuzz.fixture.ts";
import { writeOnnx } from "./write.ts";

const run = promisify(execFile);
const networks = join(import.meta.dirname, "../../../fixtures/networks");
const cases = 2000;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-fuzz-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The first two samples of every operator as ONNX files. */
async function operatorFiles(): Promise<string[]> {
  const graphs = operators.flatMap((op) =>
    op.samples.slice(0, 2).map((sample, k) => {
      const graph = new Graph();
      const inputs = sample.inputs.map(({ dtype, shape }, i) => graph.input(`x${i}`, { dtype, shape }));
      graph.apply(op, inputs, sample.attributes ?? {}).forEach((y, i) => {
        graph.output(`y${i}`, y);
      });
      return [`${op.name}-${k}.onnx`, graph] as const;
    }),
  );
  return Promise.all(
    graphs.map(async ([name, graph]) => {
      const path = join(folder, name);
      await writeFile(path, writeOnnx(graph));
      return path;
    }),
  );
}

/** The first official or own case of every ONNX operator. */
const caseFiles = (): Promise<string[]> =>
  Promise.all(
    [...conformanceCases()].map(async ([name, [first]]) => {
      const path = join(folder, `case-${name}.onnx`);
      await writeFile(path, first!.model);
      return path;
    }),
  );

describe("readOnnx of damaged files", () => {
  it("answers in one sentence, and neither ends the process nor takes memory", async () => {
    const exported = (await readdir(networks)).filter((name) => name.endsWith(".onnx")).sort();
    const written = [...(await operatorFiles()), ...(await caseFiles())];
    // The exported networks make up a quarter of the cases.
    const repeated = Array.from(
      { length: Math.ceil(written.length / (3 * exported.length)) },
      () => exported,
    ).flat();
    const files = [...repeated.map((name) => join(networks, name)), ...written];
    const list = join(folder, "list.json");
    await writeFile(list, JSON.stringify(files));
    const script = join(import.meta.dirname, "fuzz.fixture.js");
    const { stdout } = await run(
      process.execPath,
      ["--max-old-space-size=512", script, "0", String(cases), list],
      { maxBuffer: 2 ** 26, timeout: 100_000 },
    ).catch((error: Error & { stderr: string }) => {
      const last = error.stderr.trim().split("\n").at(-1);
      throw new Error(
        `the process of the damaged files has ended in case ${last}: ${error.message.slice(0, 300)}`,
      );
    });
    const report = JSON.parse(stdout) as FuzzReport;
    expect(report.faults).toEqual([]);
    expect(report.refused + report.read + report.ran).toBe(cases);
    expect(Math.min(report.refused, report.ran)).toBeGreaterThan(cases / 10); // both sides are tried
    expect(report.peakMegabytes).toBeLessThan(400); // of which a hundred are Node with ONNX Runtime
  });
});
