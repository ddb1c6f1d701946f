/** @file sequitur export */

import { Command } from "commander";
import type { Context } from "../context.ts";
import { type CommonOptions, withCommon } from "../options.ts";

interface Options extends CommonOptions {
  readonly run: string;
  readonly onnx: string;
}

export function exportCommand(context: Context): Command {
  const command = new Command("export")
    .description("Write the trained model as one ONNX file: item history in, scores of all items out.")
    .requiredOption("--run <folder>", "the run folder that train wrote")
    .requiredOption("--onnx <file>", "the file to write")
    .action((options: Options) => exportModel(options, context));
  return withCommon(command, "sequitur export --run runs/movies --onnx movies.onnx");
}

async function exportModel({ run: directory, onnx, json }: Options, context: Context): Promise<void> {
  const { openRun } = await import("../../evaluation/run-folder.ts");
  const { copyModel } = await import("../../evaluation/export-model.ts");
  const { bytes, sha256 } = await copyModel(await openRun(directory), onnx);
  const text = `wrote ${onnx} (${bytes.toLocaleString("en-US")} bytes)`;
  context.out(`${json ? JSON.stringify({ onnx, bytes, sha256 }) : text}\n`);
}
