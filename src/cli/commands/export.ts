/** @file sequitur export */

import { Command, Option } from "commander";
import { ConfigError } from "../../tensor/errors.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, withCommon } from "../options.ts";

interface Options extends CommonOptions {
  readonly run: string;
  readonly onnx?: string;
  readonly web?: string;
  readonly data?: string;
  readonly images?: boolean;
}

export function exportCommand(context: Context): Command {
  const command = new Command("export")
    .description("Write the trained model as one ONNX file, or as a page that recommends in the browser.")
    .requiredOption("--run <folder>", "the run folder that train wrote")
    .addOption(
      new Option("--onnx <file>", "the file to write: item history in, scores of all items out").conflicts(
        "web",
      ),
    )
    .option("--web <folder>", "the folder to write, for any web server; an earlier export is replaced")
    .option("--data <folder>", "the dataset folder, where it was moved; for --web")
    .option("--images", "copy the pictures of the items, too; for --web")
    .action((options: Options) => exportRun(options, context));
  return withCommon(
    command,
    "sequitur export --run runs/movies --onnx movies.onnx\n  sequitur export --run runs/movies --web site",
  );
}

function exportRun(options: Options, context: Context): Promise<void> {
  const { onnx, web } = options;
  if (onnx !== undefined) return exportModel(options, onnx, context);
  if (web !== undefined) return exportPage(options, web, context);
  const message = "sequitur export: give --onnx FILE or --web FOLDER; see sequitur export --help";
  throw new ConfigError("onnx-or-web", message);
}

async function exportModel({ run: directory, json }: Options, onnx: string, context: Context): Promise<void> {
  const { openRun } = await import("../../evaluation/run-folder.ts");
  const { copyModel } = await import("../../evaluation/export-model.ts");
  const { bytes, sha256 } = await copyModel(await openRun(directory), onnx);
  const text = `wrote ${onnx} (${bytes.toLocaleString("en-US")} bytes)`;
  context.out(`${json ? JSON.stringify({ onnx, bytes, sha256 }) : text}\n`);
}

async function exportPage(
  { run, data, images, json }: Options,
  web: string,
  context: Context,
): Promise<void> {
  const { exportWeb } = await import("../../serving/browser/export-web.ts");
  const onMessage = (text: string) => context.error(`${text}\n`);
  const { model, items, bytes, parts } = await exportWeb({ run, directory: web, data, images, onMessage });
  const megabytes = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;
  const sizes = Object.entries(parts).map(([name, size]) => `${name} ${megabytes(size)}`);
  const text = [
    `wrote ${web} (${megabytes(bytes)}): ${model} with ${items.toLocaleString("en-US")} items`,
    `${sizes.join(", ")}; the rest is ONNX Runtime`,
    `any web server can serve it: npx serve ${web}`,
  ].join("\n");
  context.out(`${json ? JSON.stringify({ web, model, items, bytes, parts }) : text}\n`);
}
