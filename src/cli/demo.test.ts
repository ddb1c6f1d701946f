import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset, readItems } from "../data/dataset.ts";
import { EvaluationResult } from "../evaluation/result.ts";
import { writeToyRun } from "../evaluation/testing/toy-run.ts";
import type { TrainOptions } from "../training/progress.ts";
import { createProgressLine } from "./progress.ts";
import { run } from "./run.ts";
import { fakeContext } from "./testing/fake-context.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-demo-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function trainToy({ data, out }: TrainOptions): Promise<void> {
  const dataset = await openDataset(data);
  const items = await readItems(dataset);
  await writeToyRun(out, {
    items: dataset.items,
    titles: items.map(({ title }) => title ?? ""),
    fingerprint: dataset.manifest.fingerprint,
    users: dataset.users.length,
  });
}

test("the demo imports the bundled data, trains, evaluates, and shows one person with titles", async () => {
  const context = fakeContext(trainToy);
  const out = join(folder, "json");
  expect(await run(["demo", "--no-serve", "--json", "--out", out], context)).toBe(0);
  const { evaluation, example } = JSON.parse(context.written.out) as Record<string, unknown>;
  expect(EvaluationResult.strict().parse(evaluation)).toMatchObject({ users: 610, items: 3650 });
  expect(example).toMatchObject({
    interactions: expect.any(Number),
    recent: { length: 8 },
    recommended: { length: 8 },
  });
  expect(context.written.error).toContain("imported 90,274 ratings of 3,650 films by 610 people");
  expect(context.trainings[0]).toMatchObject({ data: join(out, "dataset"), recipe: "sasrec", seed: 0 });
});

test("the demo serves at the end, replaces the run of an earlier demo, and stops when asked", async () => {
  const out = join(folder, "serving");
  for (let time = 0; time < 2; time++) {
    const context = fakeContext(trainToy);
    context.stop();
    expect(await run(["demo", "--port", "0", "--out", out], context)).toBe(0);
    expect(context.written.out).toMatch(/^user \d+, the last 8 of \d+:$/m);
    expect(context.written.out).toMatch(/^popularity +0\.\d{4}/m);
    expect(context.written.out).toMatch(/^serving at http:\/\/127\.0\.0\.1:\d+ \(stop with Ctrl\+C\)/m);
    expect(context.written.out).toMatch(/\(\d{4}\)/); // a film title with its year
  }
});

test("the demo does not replace a folder that is no dataset", async () => {
  const out = join(folder, "precious");
  await run(["demo", "--no-serve", "--out", out], fakeContext(trainToy));
  await rm(join(out, "dataset", "manifest.json"));
  await writeFile(join(out, "dataset", "notes.txt"), "mine");
  const context = fakeContext(trainToy);
  expect(await run(["demo", "--no-serve", "--out", out], context)).toBe(2);
});

test("on a terminal one line is rewritten and never wider than it", () => {
  const context = { ...fakeContext(), terminalColumns: 10 };
  const line = createProgressLine(context);
  line.update("0123456789abc");
  line.keep("kept");
  line.update("x");
  line.clear();
  line.clear();
  const erase = "\r\u001b[2K";
  expect(context.written.error).toBe(`${erase}012345678${erase}kept\n${erase}x${erase}`);
});
