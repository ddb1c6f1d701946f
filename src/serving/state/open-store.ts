/** @file Which store a text means: a PostgreSQL address, "memory", or else the embedded one in a folder. */

import { ConfigError } from "../../tensor/errors.ts";
import type { Store } from "./store.ts";

/** The folder of a run's embedded store where none is named: the run folder's name with ".state". */
export const stateFolderOf = (run: string): string => `${run.replace(/[\\/]+$/, "")}.state`;

/** Opens the store that an operator names; the storages are loaded when they are used. */
export async function openStore(named: string | undefined, directory: string): Promise<Store> {
  if (named === undefined) return (await import("./duckdb-store.ts")).duckdbStore({ directory });
  if (named === "memory") return (await import("./memory-store.ts")).memoryStore();
  const url = postgresUrl(named);
  return (await import("./postgres-store.ts")).postgresStore({ url });
}

/** The address itself, if it is one of PostgreSQL. @throws ConfigError where it is not */
export function postgresUrl(named: string): string {
  if (/^postgres(ql)?:\/\//.test(named)) return named;
  const message = `--store: it must be "memory" or look like postgres://user@host/database; the embedded store needs no --store, only --state FOLDER`;
  throw new ConfigError("unknown-store", message);
}
