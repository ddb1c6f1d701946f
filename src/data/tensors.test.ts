import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../tensor/errors.ts";
import { writeSafetensors } from "../tensor/safetensors.ts";
import { readTensors, writeTensors } from "./tensors.ts";

const onSharedMemory = new Float32Array(new SharedArrayBuffer(12));
onSharedMemory.set([1, -2.5, 3]);
const tensors = {
  "a.b": { data: onSharedMemory, shape: [3] },
  n: { data: BigInt64Array.of(7n, -1n), shape: [2, 1] },
  part: { data: Float32Array.of(0, 1, 2, 3).subarray(1, 3), shape: [2] },
  empty: { data: new Int32Array(0), shape: [0, 4] },
};

describe("files of tensors", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sequitur-tensors-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("are those of the format, byte for byte, and read back, shared memory or not", async () => {
    const path = join(folder, "whole.safetensors");
    await writeTensors(path, tensors, { step: "12" });
    expect(new Uint8Array(await readFile(path))).toEqual(writeSafetensors(tensors, { step: "12" }));
    const read = await readTensors(path);
    expect(read.metadata).toEqual({ step: "12" });
    for (const [name, { data, shape }] of Object.entries(tensors)) {
      expect([...read.tensors[name]!.data]).toEqual([...data]);
      expect(read.tensors[name]!.shape).toEqual(shape);
    }
  });

  it("say what is wrong with them where they are missing, cut short at any byte, or no files", async () => {
    const bytes = writeSafetensors(tensors);
    const path = join(folder, "cut.safetensors");
    await writeFile(path, bytes);
    for (let end = bytes.length - 1; end >= 0; end--) {
      await truncate(path, end);
      await expect(readTensors(path)).rejects.toThrow(DataError);
    }
    await expect(readTensors(join(folder, "none"))).rejects.toThrow("there is no such file");
    await expect(readTensors(folder)).rejects.toThrow(DataError);
  });
});
