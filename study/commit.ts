/** @file Which revision of the code a figure comes from. */
import { execFileSync } from "node:child_process";

const git = (...args: readonly string[]): string =>
  execFileSync("git", args, {
    cwd: import.meta.dirname,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });

/** The commit of the working tree, with "+changes" where its sources differ from it; "unknown" outside of Git. */
export function commitOf(): string {
  try {
    const changed = git("status", "--porcelain", "--", ":/src", ":/study").trim() !== "";
    return `${git("rev-parse", "--short=12", "HEAD").trim()}${changed ? "+changes" : ""}`;
  } catch {
    return "unknown";
  }
}
