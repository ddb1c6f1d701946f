import { describe, expect, it } from "vitest";
import { DataError } from "./errors.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

const tensors = {
  "a.b": { data: Float32Array.of(1, -2.5, 3), shape: [3] },
  n: { data: BigInt64Array.of(7n, -1n), shape: [2, 1] },
  empty: { data: new Int32Array(0), shape: [0, 4] },
};

describe("safetensors", () => {
  it("reads back what it writes, from any offset of a larger buffer", () => {
    const bytes = writeSafetensors(tensors, { step: "12" });
    const shifted = Buffer.concat([Buffer.from("xyz"), bytes]).subarray(3);
    for (const source of [bytes, shifted]) {
      const file = readSafetensors(source, "weights");
      expect(file.tensors).toEqual(tensors);
      expect(file.metadata).toEqual({ step: "12" });
    }
  });

  it.each([
    "null",
    "7",
    '{"a":null}',
    '{"a":{"dtype":"F32"}}',
    '{"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}}',
  ])("says that %s is no header", (header) => {
    const bytes = Buffer.concat([Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(header)]);
    expect(() => readSafetensors(bytes, "weights.safetensors")).toThrow(DataError);
  });

  it("says what is wrong with a file cut short at any byte", () => {
    const bytes = writeSafetensors(tensors);
    for (let end = 0; end < bytes.length; end++) {
      expect(() => readSafetensors(bytes.subarray(0, end), "weights.safetensors")).toThrow(DataError);
    }
  });
});
