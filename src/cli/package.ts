/** @file Where the installed package is, and its version. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds package.json; this file is compiled to dist/src/cli/. */
export const packageRoot = fileURLToPath(new URL("../../../", import.meta.url));

/** The version in package.json. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(join(packageRoot, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
