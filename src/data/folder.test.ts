import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { importInteractions } from "./import.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-folder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function log(): Promise<string> {
  const path = join(folder, "log.csv");
  await writeFile(path, "user_id,item_id,timestamp\nu,a,1\nu,b,2\nv,a,3\n");
  return path;
}

test("a place below a file", async () => {
  const interactions = await log();
  const out = join(interactions, "below", "data");
  await expect(importInteractions({ interactions, out })).rejects.toThrow(
    `${out}: a part of this path is a file; choose another folder`,
  );
  expect(await readdir(folder)).toEqual(["log.csv"]);
});

test("a dataset folder that holds other things, such as runs, is not replaced", async () => {
  const interactions = await log();
  const out = join(folder, "data");
  await importInteractions({ interactions, out });
  await importInteractions({ interactions, out, minUser: 2 }); // the dataset alone is
  await mkdir(join(out, "run"));
  await expect(importInteractions({ interactions, out })).rejects.toThrow(
    'besides the dataset, which would be replaced, this folder holds "run"; move that away',
  );
  expect((await readdir(out)).sort()).toEqual([
    "interactions.parquet",
    "items.parquet",
    "manifest.json",
    "run",
    "users.parquet",
  ]);
});

test("what a killed import left is cleared up by the next, and a dataset moved aside comes back", async () => {
  const interactions = await log();
  const out = join(folder, "data");
  await importInteractions({ interactions, out });
  const [old, young] = [join(folder, ".data.one.tmp"), join(folder, ".data.two.tmp")];
  for (const path of [old, young]) await mkdir(path);
  const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(old, twoHoursAgo, twoHoursAgo);
  await rename(out, `${old}.old`); // killed between the two renames of a replacement
  const broken = join(folder, "broken.csv");
  await writeFile(broken, "user_id,item\nu,a\n");
  await expect(importInteractions({ interactions: broken, out })).rejects.toThrow("item_id");
  expect((await readdir(folder)).sort()).toEqual([".data.two.tmp", "broken.csv", "data", "log.csv"]);
  expect((await readdir(out)).sort()).toContain("manifest.json");
});
