#!/usr/bin/env node
/** @file The `sequitur` command: the only place that knows the process. */

import type { Context } from "./context.ts";
import { engine } from "./engine.ts";
import { packageVersion } from "./package.ts";
import { run } from "./run.ts";

const context: Context = {
  version: await packageVersion(),
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  terminalColumns: process.stderr.isTTY ? process.stderr.columns : undefined,
  engine,
  stopped: () =>
    new Promise((resolve) => {
      process.once("SIGINT", () => resolve());
      process.once("SIGTERM", () => resolve());
    }),
  onReload: (callback) => {
    process.on("SIGHUP", callback);
    return () => process.off("SIGHUP", callback);
  },
};

// A reader that closes early (`sequitur … | head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), context);
