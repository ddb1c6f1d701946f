import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
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
