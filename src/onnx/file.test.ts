import { mkdir, mkdtemp, open, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Graph, print } from "../graph/graph.ts";
import { add, matmul } from "../graph/ops/index.ts";
import { f32 } from "../tensor/spec.ts";
import { readOnnxFile, writeOnnxFile } from "./file.ts";
import { readOnnx } from "./read.ts";
import { ModelProtoSchema } from "./schema/onnx_pb.ts";
import { writeOnnx } from "./write.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-onnx-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const values = Float32Array.from({ length: 40 * 30 }, (_, i) => i / 7);

/** x·w + b, where w is large enough for a file of its own and b is not. */
function network(): Graph {
  const graph = new Graph();
  const w = graph.param("w", f32(40, 30), { data: values, shape: [40, 30] });
  const b = graph.param("b", f32(30), { data: new Float32Array(30).fill(0.5), shape: [30] });
  graph.output("y", add(matmul(graph.input("x", f32("B", 40)), w), b));
  return graph;
}

/** A model whose w is at the given place of another file. */
async function written(name: string, external: Record<string, string>): Promise<string> {
  const path = join(folder, name);
  await writeOnnxFile(network(), path, { external: true });
  const model = fromBinary(ModelProtoSchema, await readFile(path));
  const w = model.graph!.initializer.find((t) => t.name === "w")!;
  const entries = { ...Object.fromEntries(w.externalData.map((e) => [e.key, e.value])), ...external };
  w.externalData = Object.entries(entries).map(([key, value]) => ({
    $typeName: "onnx.StringStringEntryProto",
    key,
    value,
  }));
  await writeFile(path, toBinary(ModelProtoSchema, model));
  return path;
}

describe("ONNX files with external data", () => {
  it("are written and read back", async () => {
    const path = join(folder, "model.onnx");
    await writeOnnxFile(network(), path, { external: true });
    expect((await stat(path)).size).toBeLessThan(1500);
    expect((await stat(`${path}.data`)).size).toBe(values.byteLength);
    const back = await readOnnxFile(path);
    expect(print(back)).toBe(print(network()));
    expect(back.params.get("w")!.data!.data).toEqual(values);
    await writeOnnxFile(back, path);
    expect(await readFile(path)).toEqual(Buffer.from(writeOnnx(back)));
  });

  it("are read through a function where there are no files", async () => {
    const path = join(folder, "bytes.onnx");
    await writeOnnxFile(network(), path, { external: true });
    const [model, data] = await Promise.all([readFile(path), readFile(`${path}.data`)]);
    expect(() => readOnnx(model)).toThrow(
      'readOnnx: initializer "w": its values are in the external file "bytes.onnx.data"; read the model with readOnnxFile, or pass `external`',
    );
    const asked: unknown[] = [];
    const graph = readOnnx(model, {
      external(location, { offset, length }) {
        asked.push([location, offset, length]);
        return data.subarray(offset, offset + length);
      },
    });
    expect(graph.params.get("w")!.data!.data).toEqual(values);
    expect(asked).toEqual([["bytes.onnx.data", 0, 4800]]);
    expect(() => readOnnx(model, { external: () => new Uint8Array(3) })).toThrow(
      'readOnnx: initializer "w": the external file "bytes.onnx.data" gave 3 bytes from place 0 on, but 4800 are needed',
    );
  });

  it("are read only where something is needed", async () => {
    const path = await written("sparse.onnx", {});
    const model = fromBinary(ModelProtoSchema, await readFile(path));
    const w = model.graph!.initializer.find((t) => t.name === "w")!;
    const unused = { ...w, name: "unused", dims: [2n ** 30n] };
    model.graph!.initializer.push(Object.setPrototypeOf(unused, Object.getPrototypeOf(w)));
    await writeFile(path, toBinary(ModelProtoSchema, model));
    const data = await open(`${path}.data`, "r+");
    await data.truncate(2 ** 33); // a hole: it takes no room on the disk, but would not fit into memory
    await data.close();
    expect([...(await readOnnxFile(path)).params.keys()].sort()).toEqual(["b", "w"]);
  });

  it.each([
    [{ location: "../model.onnx.data" }, /"\.\.\/model.onnx.data" is not in the folder of the model/],
    [{ location: "/etc/hostname" }, /"\/etc\/hostname" is not in the folder of the model/],
    [{ location: "inner/../../x" }, /is not in the folder of the model/],
    [{ location: "outside/secret" }, /"outside\/secret" is not in the folder of the model/],
    [{ location: "" }, /"" is not in the folder of the model/],
    [{ location: "none" }, /none: there is no such file/],
    [{ location: "inner" }, /inner: this is a folder/],
    [{ offset: "1000" }, /bytes 1000 to 5800 are asked for, but the file has 4800/],
    [{ offset: "-1" }, /it starts at an impossible place of the external file/],
    [{ offset: "1e400" }, /it starts at an impossible place/],
    [
      { length: "12" },
      /it has 12 bytes in the external file "\w+.onnx.data", but its type and shape need 4800/,
    ],
  ])("are refused in one sentence: %j", async (external, message) => {
    const name = `refused${message.source.length}.onnx`;
    const path = await written(name, external as Record<string, string>);
    await mkdir(join(folder, "inner"), { recursive: true });
    await symlink(tmpdir(), join(folder, "outside")).catch(() => {});
    await writeFile(join(tmpdir(), "secret"), values).catch(() => {});
    const error = await readOnnxFile(path).catch((e: unknown) => e as Error);
    expect((error as Error).name).toBe("DataError");
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
    await rm(join(tmpdir(), "secret"), { force: true });
  });

  it("may be linked from another folder, as download caches do", async () => {
    await mkdir(join(folder, "blobs"));
    await mkdir(join(folder, "snapshot"));
    await writeOnnxFile(network(), join(folder, "blobs", "model.onnx"), { external: true });
    for (const name of ["model.onnx", "model.onnx.data"])
      await symlink(join(folder, "blobs", name), join(folder, "snapshot", name));
    const graph = await readOnnxFile(join(folder, "snapshot", "model.onnx"));
    expect(graph.params.get("w")!.data!.data).toEqual(values);
  });

  it("say what is wrong with a path", async () => {
    await expect(readOnnxFile(join(folder, "missing.onnx"))).rejects.toThrow(/there is no such file/);
    await expect(readOnnxFile(folder)).rejects.toThrow(/this is a folder/);
  });
});

describe("parameters that are too large for an ONNX file", () => {
  it("are refused with what to do instead", () => {
    const graph = new Graph();
    const length = 2 ** 29; // never written to, so that no memory is taken
    const w = graph.param("w", f32(length), { data: new Float32Array(length), shape: [length] });
    graph.output("y", add(w, 1));
    expect(() => writeOnnx(graph)).toThrow(
      'writeOnnx: the parameters have 2.1 GB, and an ONNX file holds 2; write it with writeOnnxFile, which puts them beside it, or compile it with params: "fed"',
    );
  });
});
