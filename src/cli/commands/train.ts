/** @file sequitur train */

import { Command } from "commander";
import type { TrainOptions } from "../../training/progress.ts";
import type { Context } from "../context.ts";
import { printEvaluation } from "../evaluation.ts";
import {
  anyNumber,
  type CommonOptions,
  readSetting,
  type Setting,
  wholeNumber,
  withCommon,
} from "../options.ts";
import { createProgressLine, duration, showTraining } from "../progress.ts";

interface Options extends CommonOptions {
  readonly data: string;
  readonly out: string;
  readonly recipe?: string;
  readonly config?: string;
  readonly set?: readonly Setting[];
  readonly seed?: number;
  readonly cold?: number;
  readonly users?: number;
  readonly init?: string;
  readonly freeze?: readonly string[];
  readonly resume?: boolean;
}

export function trainCommand(context: Context): Command {
  const command = new Command("train")
    .description("Train a recipe on a dataset folder, then evaluate it on the test part.")
    .requiredOption("--data <folder>", "the dataset folder that import wrote")
    .requiredOption("--out <folder>", "the run folder to write")
    .option("--recipe <name>", "see sequitur recipes (default: sasrec)")
    .option("--config <file>", "settings as a JSON file")
    .option("--set <path=value>", "one setting, such as training.epochs=20; may be repeated", readSetting)
    .option("--seed <number>", "what decides everything random (default: 0)", wholeNumber(0, 2 ** 32 - 1))
    .option("--cold <share>", "keep this share of the items from training and evaluate them apart", anyNumber)
    .option(
      "--init <run>",
      "start from the weights of this run, and with its settings where no recipe is named",
    )
    .option(
      "--freeze <parts>",
      "leave these parameters or parts as they start, such as backbone,items.text",
      (text: string) => text.split(",").filter((name) => name !== ""),
    )
    .option("--users <share>", "train on this share of the users; all are tested", anyNumber)
    .option("--resume", "continue a training that was interrupted in --out")
    .action((options: Options) => train(options, context));
  return withCommon(
    command,
    "sequitur train --data data/movies --recipe sasrec --set training.epochs=20 --out runs/movies",
  );
}

async function train(options: Options, context: Context): Promise<void> {
  const line = createProgressLine(context);
  const onProgress = showTraining(line);
  const result = await context.engine
    .train({ ...(await trainOptions(options)), onProgress })
    .finally(line.clear);
  const { run, bestEpoch, epochs, seconds } = result;
  line.keep(
    epochs === 0
      ? `done in ${duration(seconds)}; kept in ${run}`
      : `trained ${epochs} ${epochs === 1 ? "epoch" : "epochs"} in ${duration(seconds)}; epoch ${bestEpoch} was best and is kept in ${run}`,
  );
  await printEvaluation({ run: options.out, data: options.data, json: options.json === true }, context);
}

async function trainOptions({ config, cold, users, json, verbose, ...rest }: Options): Promise<TrainOptions> {
  const shares = Object.entries({ "split.cold": cold, "training.users": users });
  const given = shares.flatMap(([path, value]) => (value === undefined ? [] : [{ path, value }]));
  const options = given.length === 0 ? rest : { ...rest, set: [...(rest.set ?? []), ...given] };
  if (config === undefined) return options;
  const { readJson } = await import("../../data/files.ts");
  return { ...options, config: await readJson(config) };
}
