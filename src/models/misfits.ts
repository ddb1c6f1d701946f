/** @file Settings that are right by themselves, but not together. */
import { ConfigError } from "../tensor/errors.ts";
import type { RecipeConfig } from "./config.ts";
import type { Needs } from "./define.ts";

export interface Together {
  readonly config: RecipeConfig;
  readonly needs: Needs;
  /** Whether the task hides items. */
  readonly hides: boolean;
}

/** @throws ConfigError where rows, task and targets are not such as the backbone can learn from */
export function refuseMisfits(given: Together): void {
  const { rowLength, maxLength } = given.config.training;
  if (given.needs.rows === "packed" && rowLength < maxLength)
    refuse(
      "row-length",
      `training.rowLength is ${rowLength}, but it must be at least training.maxLength (${maxLength})`,
    );
  (given.hides ? refuseHidden : refuseShifted)(given);
}

function refuse(code: string, message: string): never {
  throw new ConfigError(code, message);
}

/** Where tokens predict the item that follows. */
function refuseShifted({ config, needs: { rows, sees } }: Together): void {
  const { batchTokens, maxLength, targets } = config.training;
  const backbone = `backbone "${config.backbone.name}"`;
  if (rows === "packed" && sees === "all")
    refuse(
      "sees-targets",
      `${backbone} sees all items of a history, those too which task "${config.task.name}" has it predict; set task.name to "cloze"`,
    );
  if (sees === "all" && targets === "all")
    refuse(
      "sees-targets",
      `${backbone} with these settings sees the items after each item, which training.targets "all" has it predict; set training.targets to "last"`,
    );
  if (rows === "packed" && targets === "last")
    refuse(
      "packed-targets",
      `training.targets "last" takes a backbone with padded rows; ${backbone} learns from packed rows, where "all" costs less and tells no less`,
    );
  if (rows === "padded" && targets === "all" && batchTokens < maxLength)
    refuse(
      "batch-tokens",
      `training.batchTokens is ${batchTokens}, but a step must hold a history of training.maxLength (${maxLength})`,
    );
}

/** Where hidden tokens predict what they hide. */
function refuseHidden({ config, needs: { rows, times } }: Together): void {
  const { maxLength, targets } = config.training;
  const task = `task "${config.task.name}"`;
  if (rows === "padded")
    refuse(
      "masked-rows",
      `${task} takes a backbone with packed rows, but backbone "${config.backbone.name}" has padded ones; set task.name to "next-item"`,
    );
  if (times !== "none")
    refuse(
      "masked-times",
      `${task} hides items and their times, but backbone "${config.backbone.name}" reads times; set backbone.times to "none"`,
    );
  if (targets === "last")
    refuse(
      "masked-targets",
      `training.targets "last" is for task "next-item"; task.share and task.last say which items ${task} hides`,
    );
  if (maxLength < 2)
    refuse(
      "max-length",
      `training.maxLength is ${maxLength}, but ${task} hides one item beside another; set it to at least 2`,
    );
}
