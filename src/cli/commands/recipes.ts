/** @file sequitur recipes */

import { Command } from "commander";
import type { Context } from "../context.ts";
import { type CommonOptions, withCommon } from "../options.ts";

export function recipesCommand(context: Context): Command {
  const command = new Command("recipes")
    .description("List the recipes with their sources.")
    .action((options: CommonOptions) => listRecipes(options, context));
  return withCommon(command, "sequitur recipes");
}

async function listRecipes({ json }: CommonOptions, context: Context): Promise<void> {
  const recipes = (await context.engine.recipes()).map(({ name, summary, source }) => ({
    name,
    summary,
    source,
  }));
  const text = recipes
    .map(({ name, summary, source }) => `${name}\n  ${summary}\n  source: ${source}`)
    .join("\n");
  context.out(`${json ? JSON.stringify({ recipes }) : text}\n`);
}
