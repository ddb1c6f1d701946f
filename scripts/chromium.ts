/** @file The Chromium of this machine, which the tests of pages and their pictures use. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export const lacking = "no chromium on the path; install Debian's package chromium";

/** The first of its usual names on the path; undefined where there is none. */
export const executablePath = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
  .find((path) => existsSync(path));
