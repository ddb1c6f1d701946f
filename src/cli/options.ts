/** @file Options that several commands share, and how their values are read. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { devices } from "../runtime/device.ts";

/** The options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Gives a command --json, --verbose and the example in its help. */
export function withCommon(command: Command, example: string): Command {
  return command
    .option("--json", "print one JSON object as the last line on standard output")
    .option("--verbose", "show where an error comes from")
    .addHelpText("after", `\nExample:\n  ${example}`);
}

/** Gives a command the options of a scorer. */
export function withScorer(command: Command): Command {
  return command
    .option("--threads <count>", "threads of the model", wholeNumber(1, 1024))
    .addOption(new Option("--device <name>", "where the model runs (default: cpu)").choices(devices));
}

/** Reads a whole number between two bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}`);
  };
}

/** Reads a number. */
export function anyNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("it must be a number");
}

/** A setting given as path.to.key=value. */
export interface Setting {
  readonly path: string;
  readonly value: unknown;
}

/** Adds one path.to.key=value to a list; the value is JSON, or else a string. */
export function readSetting(text: string, before: readonly Setting[] = []): readonly Setting[] {
  const match = /^([A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*)=(.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError("it must look like training.epochs=20");
  return [...before, { path: match[1]!, value: jsonOrString(match[2]!) }];
}

function jsonOrString(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Reads item ids: separated by commas, or a JSON array where an id holds a comma. */
export function readIds(text: string): readonly string[] {
  const ids = text.startsWith("[") ? jsonIds(text) : undefined;
  const list = ids ?? text.split(",").filter((id) => id !== "");
  if (list.length === 0) throw new InvalidArgumentError("it names no item; write ids as ID,ID,ID");
  return list;
}

function jsonIds(text: string): readonly string[] | undefined {
  const value = jsonOrString(text);
  return Array.isArray(value) && value.every((id) => typeof id === "string") ? value : undefined;
}
