/** @file sequitur events */

import { Command, Option } from "commander";
import type { ExportedEvents } from "../../serving/state/export-events.ts";
import { ConfigError } from "../../tensor/errors.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, withCommon } from "../options.ts";
import { grouped } from "../progress.ts";

interface Options extends CommonOptions {
  readonly out: string;
  readonly run?: string;
  readonly state?: string;
  readonly store?: string;
}

export function eventsCommand(context: Context): Command {
  const command = new Command("events")
    .description(
      "Write what users did while a service ran to a file that import reads, to train again on it.",
    )
    .requiredOption("--out <file>", "the .csv, .jsonl or .parquet to write; one of this name is replaced")
    .option("--run <folder>", "the run folder that was served; its service must be stopped")
    .option("--state <folder>", "the state folder, where serve was given one")
    .addOption(
      new Option(
        "--store <address>",
        "postgres://… where serve was given one; the service may run",
      ).conflicts("state"),
    )
    .action((options: Options) => writeEvents(options, context));
  return withCommon(command, "sequitur events --run runs/movies --out events.csv");
}

async function writeEvents({ out, run, state, store, json }: Options, context: Context): Promise<void> {
  const { exportEvents } = await import("../../serving/state/export-events.ts");
  const { stateFolderOf } = await import("../../serving/state/open-store.ts");
  const directory = state ?? (run === undefined ? undefined : stateFolderOf(run));
  if (directory === undefined && store === undefined) {
    const message = "sequitur events: give --run FOLDER, --state FOLDER or --store postgres://…";
    throw new ConfigError("no-store", message);
  }
  const written = await exportEvents({ store, directory: directory ?? "", out });
  context.out(`${json ? JSON.stringify({ out, ...written }) : writtenText(out, written)}\n`);
}

function writtenText(out: string, { events, users, items, from, to }: ExportedEvents): string {
  const counts = `${grouped(events)} events of ${grouped(users)} users and ${grouped(items)} items`;
  const when = from === null || to === null ? "" : `, ${moment(from)} to ${moment(to)}`;
  return `wrote ${out}: ${counts}${when}`;
}

/** A time as people read it; as seconds where no calendar has it. */
function moment(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace(/\.\d+Z$/, "Z");
}
