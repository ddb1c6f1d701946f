/** @file npm run study -- leaderboard | search | content | transfer: long measurements that survive being killed. */
import { isBadInput } from "../src/tensor/errors.ts";
import { suggest } from "../src/tensor/nearest.ts";
import { content } from "./content.ts";
import { executeInProcess } from "./execute.ts";
import { leaderboard, type StudyContext } from "./leaderboard.ts";
import { readOptions, usage } from "./options.ts";
import { search } from "./search.ts";
import { transfer } from "./transfer.ts";

const studies = { leaderboard, search, content, transfer };

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());

const time = (): string => new Date().toTimeString().slice(0, 8);
const context: StudyContext = {
  execute: executeInProcess,
  out: (text) => void process.stdout.write(text),
  progress: (text) => void process.stderr.write(`${time()} ${text}\n`),
  signal: stop.signal,
};

const [name = "", ...args] = process.argv.slice(2);
if (name === "--help" || name === "help" || args.includes("--help")) {
  process.stdout.write(usage);
} else if (!Object.hasOwn(studies, name)) {
  process.stderr.write(`study: there is no "${name}"${suggest(name, Object.keys(studies))}\n`);
  process.exitCode = 2;
} else {
  try {
    const ok = await studies[name as keyof typeof studies](readOptions(args), context);
    process.exitCode = stop.signal.aborted ? 130 : ok ? 0 : 1;
  } catch (error) {
    if (!isBadInput(error)) throw error;
    process.stderr.write(`study: ${error.message}\n`);
    process.exitCode = 2;
  }
}
