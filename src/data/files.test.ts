import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readJson, sha256File, writeAtomic } from "./files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-files-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("an atomic write replaces the whole file and leaves nothing beside it", async () => {
  const path = join(folder, "a.txt");
  await writeAtomic(path, "first, and longer");
  await writeAtomic(path, new Uint8Array([50, 10]));
  expect(await readFile(path, "utf8")).toBe("2\n");
  expect((await readdir(folder)).filter((name) => name.includes("a.txt"))).toEqual(["a.txt"]);
});

test("a failed atomic write leaves no temporary file", async () => {
  const path = join(folder, "occupied");
  await mkdir(join(path, "inside"), { recursive: true });
  await expect(writeAtomic(path, "x")).rejects.toThrow();
  expect((await readdir(folder)).filter((name) => name.includes("tmp"))).toEqual([]);
});

test("the hash of a file is SHA-256", async () => {
  const path = join(folder, "abc");
  await writeFile(path, "abc");
  expect(await sha256File(path)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  await expect(sha256File(join(folder, "none"))).rejects.toThrow(/none: there is no such file/);
});

test("JSON that cannot be read says why in one sentence", async () => {
  const path = join(folder, "a.json");
  await writeAtomic(path, '{"a":1}');
  expect(await readJson(path)).toEqual({ a: 1 });
  await writeAtomic(path, "{a}");
  await expect(readJson(path)).rejects.toThrow(/a\.json: this is not JSON \(/);
  await writeAtomic(path, " \n");
  await expect(readJson(path)).rejects.toThrow(/a\.json: the file is empty/);
  await expect(readJson(folder)).rejects.toThrow(/is a folder, not a file/);
  await expect(readJson(join(folder, "none.json"))).rejects.toThrow(/there is no such file/);
});
