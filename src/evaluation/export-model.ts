/** @file Copies the model of a run to a place of its own. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode, writeAtomic } from "../data/files.ts";
import { DataError } from "../tensor/errors.ts";
import { type OpenRun, runFiles } from "./run-folder.ts";

/** Writes the ONNX file of an opened run, whole or not at all; DataError where the place cannot be written. */
export async function copyModel(
  run: OpenRun,
  path: string,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  if (run.manifest.files[runFiles.model] === undefined) {
    const message = `${run.directory}: ${run.manifest.recipe} is a baseline, which has no ONNX model; export a trained model`;
    throw new DataError("no-model", message);
  }
  const model = await readFile(join(run.directory, runFiles.model));
  await writeAtomic(path, model).catch((error: unknown) => {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      const message = `${path}: there is no folder ${dirname(path)}; create it first`;
      throw new DataError("missing-folder", message, { path });
    }
    if (code === "EISDIR")
      throw new DataError("is-folder", `${path}: this is a folder; name a file in it`, { path });
    if (code === "EACCES" || code === "EPERM") {
      throw new DataError("no-permission", `${path}: no permission to write here; choose another place`, {
        path,
      });
    }
    throw error;
  });
  return { bytes: model.length, sha256: createHash("sha256").update(model).digest("hex") };
}
