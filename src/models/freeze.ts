/** @file Parameters that stay as they start, by the names that settings give them. */
import { ConfigError } from "../tensor/errors.ts";
import { nearest } from "../tensor/nearest.ts";
import type { RecipeConfig } from "./config.ts";

/** The parts that a parameter is in, widest first, and the parameter: a.b.c → a, a.b, a.b.c. */
const stepsOf = (name: string): string[] => {
  const pieces = name.split(".");
  return pieces.map((_, k) => pieces.slice(0, k + 1).join("."));
};

/** Parts of more than this many pieces are found, but not listed. */
const LISTED = 2;

/**
 * The parameters among `names` that are to be frozen, by their own names or by those of parts that they are in.
 *
 * @throws ConfigError for what is neither, naming the nearest, and where nothing is left to be learned
 */
export function frozenParameters(
  names: readonly string[],
  { freeze: frozen, epochs }: Pick<RecipeConfig["training"], "freeze" | "epochs">,
): ReadonlySet<string> {
  const known = new Set(names.flatMap(stepsOf));
  for (const name of frozen) if (!known.has(name)) throw unknown(name, known);
  const found = new Set(names.filter((name) => stepsOf(name).some((step) => frozen.includes(step))));
  if (found.size < names.length || epochs === 0) return found;
  const message = `training.freeze: ${frozen.join(", ")} is all that there is to be learned; freeze less, or set training.epochs to 0`;
  throw new ConfigError("all-frozen", message, { frozen });
}

function unknown(name: string, known: ReadonlySet<string>): ConfigError {
  const parts = [...known].filter((part) => part.split(".").length <= LISTED).sort();
  const message = `training.freeze: there is no part or parameter "${name}"; the nearest is "${nearest(name, known)}"; parts are: ${parts.join(", ")}`;
  return new ConfigError("unknown-part", message, { name });
}
