/** @file Which parameters of a network are trained. */
import type { Graph } from "../graph/graph.ts";
import { isFloat } from "../tensor/spec.ts";
import { failToMatch, listed, matches, type Patterns } from "./patterns.ts";

export { type AdapterOptions, adapters } from "./adapters.ts";
export { type LoraOptions, lora, mergeLora } from "./lora.ts";
export type { Pattern, Patterns } from "./patterns.ts";

function named(graph: Graph, patterns: Patterns, where: string): string[] {
  const names = [...graph.params.keys()];
  const found = new Set<string>();
  for (const pattern of listed(patterns)) {
    const hits = names.filter((name) => matches(pattern, name));
    if (hits.length === 0) failToMatch(where, pattern, "parameter", names);
    for (const name of hits) found.add(name);
  }
  return [...found];
}

/**
 * Marks parameters as not to be trained, in this graph and in what is made from it.
 *
 * @returns their names
 * @throws ConfigError for a pattern that matches no parameter
 */
export function freeze(graph: Graph, patterns: Patterns): string[] {
  const names = named(graph, patterns, "freeze");
  for (const name of names) graph.frozen.add(name);
  return names;
}

/** Undoes `freeze` for the parameters that match. @throws ConfigError for a pattern that matches no parameter */
export function unfreeze(graph: Graph, patterns: Patterns): string[] {
  const names = named(graph, patterns, "unfreeze");
  for (const name of names) graph.frozen.delete(name);
  return names;
}

/**
 * Names of the float parameters that are not frozen: what a gradient is asked for.
 *
 * @example gradient(graph, { of: "loss", wrt: trainable(graph) })
 */
export const trainable = (graph: Graph): string[] =>
  [...graph.params].flatMap(([name, { value }]) =>
    isFloat(value.dtype) && !graph.frozen.has(name) ? [name] : [],
  );
