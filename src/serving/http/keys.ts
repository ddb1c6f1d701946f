/** @file API keys: who may read and who may write. */

import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { unreadable } from "../../data/files.ts";
import { ConfigError } from "../../tensor/errors.ts";
import type { Scope } from "./endpoints.ts";

/** The environment variable that holds keys, separated by commas or line ends. */
export const keysVariable = "SEQUITUR_KEYS";

/** The fewest characters of a key. */
const shortest = 16;

export interface Keys {
  readonly count: number;
  /** The scope of a key, in a time that does not depend on how much of it is right; undefined for a wrong one. */
  scopeOf(key: string): "read" | "write" | undefined;
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * Reads keys: "read KEY" or "write KEY" (which also reads), one in a line, # for remarks.
 *
 * @throws ConfigError that names the line but never the key
 */
export function parseKeys(text: string, where: string): Keys {
  const entries = text.split(/[\n,]/).flatMap((line, at) => {
    const words = line.replace(/#.*$/, "").trim();
    if (words === "") return [];
    const [, scope, key] = /^(read|write)[\s:]+(\S+)$/.exec(words) ?? [];
    if (scope === undefined || key === undefined) {
      throw badKeys(`${where}:${at + 1}: this is not "read KEY" or "write KEY"`);
    }
    if (key.length < shortest) {
      throw badKeys(
        `${where}:${at + 1}: a key has at least ${shortest} characters; make one with: openssl rand -hex 24`,
      );
    }
    return [{ scope: scope as "read" | "write", hash: digest(key) }];
  });
  if (entries.length === 0)
    throw badKeys(`${where}: there is no key; write "read KEY" or "write KEY", one in a line`);
  return {
    count: entries.length,
    scopeOf(key) {
      const hash = digest(key);
      let found: "read" | "write" | undefined;
      for (const entry of entries) {
        if (timingSafeEqual(entry.hash, hash) && found !== "write") found = entry.scope;
      }
      return found;
    },
  };
}

const badKeys = (message: string): ConfigError => new ConfigError("bad-keys", message);

/** The keys of a file, or else of the environment; undefined where neither names any. */
export async function readKeys(
  path: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Keys | undefined> {
  if (path !== undefined) {
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw unreadable(path, error);
    });
    return parseKeys(text, path);
  }
  const text = environment[keysVariable];
  return text === undefined || text.trim() === "" ? undefined : parseKeys(text, keysVariable);
}

/** True where a key of one scope may call an endpoint of another. */
export const mayCall = (held: "read" | "write" | undefined, needed: Scope): boolean =>
  needed === "open" || held === "write" || held === needed;
