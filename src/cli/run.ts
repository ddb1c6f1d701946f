/** @file Runs one command line: parses it, runs the command, and turns errors into a sentence and an exit code. */

import { type Command, CommanderError } from "commander";
import { isBadInput } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import type { Context } from "./context.ts";
import { createProgram } from "./program.ts";

/** Exit codes: success, anything else, and wrong usage or bad input. */
const [SUCCESS, FAILURE, BAD_INPUT] = [0, 1, 2] as const;

/** Runs the arguments after `sequitur`; resolves to the exit code. */
export async function run(args: readonly string[], context: Context): Promise<number> {
  const program = createProgram(context);
  let current: Command = program;
  for (const command of [program, ...program.commands]) {
    command.exitOverride((error) => {
      current = command;
      throw error;
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return SUCCESS;
  } catch (error) {
    if (error instanceof CommanderError) return usageError(error, { command: current, args, context });
    return commandError(error, args.includes("--verbose"), context);
  }
}

interface Usage {
  readonly command: Command;
  readonly args: readonly string[];
  readonly context: Context;
}

function usageError(error: CommanderError, usage: Usage): number {
  if (error.exitCode === 0) return SUCCESS;
  if (error.code !== "commander.help") usage.context.error(`${usageSentence(error, usage)}\n`);
  return BAD_INPUT;
}

function usageSentence(error: CommanderError, { command, args }: Usage): string {
  const where = command.parent ? `sequitur ${command.name()}` : "sequitur";
  const message = error.message
    .replace(/^error: /, "")
    .split("\n")[0]!
    .replace(/\.$/, "");
  const option = unknownOption(command, args); // a mistyped option is often also a missing one
  if (option !== undefined) {
    const known = [...command.options.map(({ long, flags }) => long ?? flags.split(" ")[0]!), "--help"];
    return `${where}: there is no option "${option}"${suggest(option, known)}`;
  }
  if (error.code === "commander.unknownCommand") {
    const named = /'([^']*)'/.exec(message)?.[1] ?? "";
    const known = command.commands.map((one) => one.name());
    return `${where}: there is no command "${named}"${suggest(named, known)}`;
  }
  return `${where}: ${message}; see ${where} --help`;
}

/** The first argument that looks like a long option, is none of the command, and is no option's value. */
function unknownOption(command: Command, args: readonly string[]): string | undefined {
  const find = (flag: string) => command.options.find(({ long, short }) => flag === long || flag === short);
  for (let at = 0; at < args.length; at++) {
    const [flag] = args[at]!.split("=", 1) as [string];
    const option = find(flag);
    if (option?.required && flag === args[at]) at++;
    else if (option === undefined && /^--[a-z]/i.test(flag) && flag !== "--help") return flag;
  }
  return undefined;
}

function commandError(error: unknown, verbose: boolean, context: Context): number {
  const message = error instanceof Error ? error.message : String(error);
  const stack = verbose && error instanceof Error ? `${error.stack ?? ""}\n` : "";
  if (isBadInput(error)) {
    context.error(`${oneLine(message)}\n${stack}`);
    return BAD_INPUT;
  }
  const hint = verbose ? "" : "; run again with --verbose for details";
  context.error(`sequitur failed: ${oneLine(message)}${hint}\n${stack}`);
  return FAILURE;
}

function oneLine(message: string): string {
  return message.replaceAll(/\s*\n\s*/g, " ").trim();
}
