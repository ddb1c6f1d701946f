import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dataset } from "../data/dataset.ts";
import { evaluationFiles } from "../evaluation/result.ts";
import { type OpenRun, openRun, runFiles } from "../evaluation/run-folder.ts";
import { app } from "./app.ts";
import { Pages } from "./pages/pages.ts";
import { Recommender } from "./recommender.ts";
import { Problem } from "./schemas.ts";
import { Service } from "./service.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-problem-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What a service with `pages` answers, and the errors that its operator is told. */
async function asked(path: string, { pages, method = "GET" }: { pages?: Pages; method?: string }) {
  const { recommender, retriever } = cycleRecommender();
  let opened = 0;
  const service = await Service.open({
    async open() {
      if (opened++ > 0) await openRun(folder);
      return new Recommender({ retriever, items: recommender.items, model: "cycle", pages });
    },
  });
  const told: string[] = [];
  const server = app(service, { onError: (error) => told.push((error as Error).message) });
  const answer = await server.request(path, { method });
  return { answer, told };
}

/** Expects a failure of the server whose answer names no place, while the operator is told it. */
async function expectHidden({ answer, told }: Awaited<ReturnType<typeof asked>>): Promise<void> {
  expect(answer.status).toBe(500);
  const text = await answer.text();
  expect(Problem.parse(JSON.parse(text)).code).toBe("internal");
  expect(text).not.toContain(folder);
  expect(told).toEqual([expect.stringContaining(folder)]);
}

const manifest = { dataset: {}, seconds: {}, files: {} };
const pagesOf = (dataset?: object): Pages =>
  new Pages({ directory: folder, manifest, items: [] } as unknown as OpenRun, "cycle", dataset as Dataset);

test("a damaged run is the server's failure, and its place is told to the operator alone", async () => {
  await writeFile(join(folder, runFiles.manifest), "{ cut");
  await expectHidden(await asked("/v1/admin/reload", { method: "POST" }));
});

test("an evaluation that cannot be read is the server's failure", async () => {
  await writeFile(join(folder, evaluationFiles("test").result), "{ cut");
  await expectHidden(await asked("/v1/run", { pages: pagesOf() }));
});

test("a picture that was deleted is one that is not there", async () => {
  const picture = join(folder, "a.png");
  await writeFile(picture, "picture");
  const pages = pagesOf({ manifest: { images: { directory: folder } } });
  const before = await asked("/v1/items/a/image", { pages });
  expect(await before.answer.text()).toBe("picture");
  expect(before.answer.headers.get("content-type")).toBe("image/png");
  await rm(picture);
  const { answer, told } = await asked("/v1/items/a/image", { pages });
  expect(answer.status).toBe(404);
  expect(Problem.parse(await answer.json()).code).toBe("no-image");
  expect(told).toEqual([]);
});
