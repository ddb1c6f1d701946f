/** @file Writes docs/settings.md from the schemas that check the settings, so that it cannot be wrong. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { baselines } from "../src/models/baselines/index.ts";
import { sections } from "../src/models/config.ts";
import { type PartKind, parts } from "../src/models/parts.ts";
import { recipes } from "../src/models/recipes.ts";

interface Property {
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

function allowed(p: Property): string {
  if (p.enum) return p.enum.join(", ");
  const low = p.minimum ?? p.exclusiveMinimum;
  const high = p.maximum ?? p.exclusiveMaximum;
  const lower = low === undefined ? "" : p.minimum === undefined ? `above ${low}` : `from ${low}`;
  const upper =
    high === undefined || high > 1e9 ? "" : p.maximum === undefined ? `below ${high}` : `to ${high}`;
  return [p.type, lower, upper].filter(Boolean).join(" ");
}

function rows(path: string, schema: z.ZodType): string[] {
  const { properties } = z.toJSONSchema(schema, { io: "input" }) as { properties: Record<string, Property> };
  return Object.entries(properties).flatMap(([key, p]) =>
    key === "name"
      ? []
      : [`| \`${path}.${key}\` | ${allowed(p)} | ${JSON.stringify(p.default)} | ${p.description ?? ""} |`],
  );
}

const head = ["| setting | allowed | default | what it does |", "| --- | --- | --- | --- |"];

/** The whole page. */
export function settingsPage(): string {
  const page = [
    "# Settings",
    "",
    "Written by `npm run tables` from the schemas that check them. Set one with `--set training.epochs=20`, several",
    "with `--config FILE.json`.",
    "",
  ];
  for (const [name, schema] of Object.entries(sections))
    page.push(`## ${name}`, "", ...head, ...rows(name, schema), "");
  for (const kind of Object.keys(parts) as PartKind[]) {
    for (const part of parts[kind]) {
      page.push(`## ${kind}: ${part.name}`, "", `Source: ${part.source}.`, "");
      const settings = rows(kind === "auxiliary" ? `${kind}.${part.name}` : kind, part.config);
      if (settings.length > 0) page.push(...head, ...settings, "");
    }
  }
  for (const part of baselines) {
    page.push(`## baseline: ${part.name}`, "", `Source: ${part.source}.`, "");
    const settings = rows("baseline", part.config);
    if (settings.length > 0) page.push(...head, ...settings, "");
  }
  page.push("## What the recipes set", "");
  for (const recipe of recipes)
    page.push(`### ${recipe.name}`, "", "```json", JSON.stringify(recipe.config, null, 2), "```", "");
  return page.join("\n");
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(import.meta.dirname, "../..", "docs", "settings.md"), settingsPage());
}
