/** @file Pretrained networks that become part of a model: ONNX files, opened without their meaning. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { unreadable } from "../data/files.ts";
import type { Graph } from "../graph/graph.ts";
import { externalBeside } from "../onnx/file.ts";
import { inspectOnnx, type OnnxPort } from "../onnx/inspect.ts";
import { readOnnx } from "../onnx/read.ts";
import type { Dim } from "../tensor/spec.ts";
import { layerNames } from "./layer-names.ts";
import { folderOf, modelFile } from "./tokenizer.ts";

export interface Network {
  /** What it was opened by. */
  readonly name: string;
  /** SHA-256 of the file. */
  readonly hash: string;
  readonly inputs: readonly OnnxPort[];
  /** Names of the states before the first layer (where it can be told) and after each one; none where names do not tell. */
  readonly layers: readonly string[];
  /** The network for inputs of such shapes, read anew. @throws DataError where it has what is not supported */
  graph(shapes: Readonly<Record<string, readonly Dim[]>>): Graph;
}

/** Opens an ONNX file, or the one in a folder. @throws DataError where there is none */
export async function openNetwork(name: string): Promise<Network> {
  const folder = await folderOf(name);
  const file = folder === undefined ? name : await modelFile(name, folder);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  const ports = inspectOnnx(bytes);
  return {
    name,
    hash: createHash("sha256").update(bytes).digest("hex"),
    inputs: ports.inputs,
    layers: layerNames(ports),
    graph: (shapes) => readOnnx(bytes, { shapes, external: externalBeside(file) }),
  };
}
