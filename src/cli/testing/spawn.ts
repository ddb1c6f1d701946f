/** @file Runs the compiled command line as a process of its own, for tests. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../package.ts";

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs `sequitur` with arguments and waits for its end. */
export function sequitur(
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<Finished> {
  const main = join(packageRoot, "dist", "src", "cli", "main.js");
  const child = spawn(process.execPath, [main, ...args], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let [out, error] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    error += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, error }));
  });
}
