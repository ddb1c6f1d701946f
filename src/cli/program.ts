/** @file The command line as a value: the list of commands. */

import { Command } from "commander";
import { compareCommand } from "./commands/compare.ts";
import { demoCommand } from "./commands/demo.ts";
import { encodeCommand } from "./commands/encode.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { eventsCommand } from "./commands/events.ts";
import { exportCommand } from "./commands/export.ts";
import { importCommand } from "./commands/import.ts";
import { recipesCommand } from "./commands/recipes.ts";
import { recommendCommand } from "./commands/recommend.ts";
import { serveCommand } from "./commands/serve.ts";
import { trainCommand } from "./commands/train.ts";
import type { Context } from "./context.ts";

const commands = [
  importCommand,
  encodeCommand,
  trainCommand,
  evaluateCommand,
  recommendCommand,
  serveCommand,
  eventsCommand,
  compareCommand,
  exportCommand,
  recipesCommand,
  demoCommand,
];

/** The whole `sequitur` program, writing through a context. */
export function createProgram(context: Context): Command {
  const program = new Command("sequitur")
    .description(
      "Learns from what people did to say what comes next: import, train, evaluate, recommend, serve.",
    )
    .version(context.version)
    .configureOutput({
      writeOut: (text) => context.out(text),
      writeErr: (text) => context.error(text),
      outputError: () => {}, // the sentence is written by run.ts
    })
    .showSuggestionAfterError(false)
    .addHelpText("after", "\nExample:\n  sequitur demo");
  for (const command of commands) {
    program.addCommand(command(context).copyInheritedSettings(program).allowExcessArguments(false));
  }
  return program;
}
