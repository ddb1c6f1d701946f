/** @file Where finished runs are kept: a file each for the leaderboard, one log for a search. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { appendFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeAtomic } from "../src/data/files.ts";
import { DataError } from "../src/tensor/errors.ts";
import type { Job } from "./job.ts";
import { answers, RunRecord } from "./record.ts";

export interface Store {
  /** All records there are, of whatever settings. */
  all(): readonly RunRecord[];
  /** The record that answers a job; `dataset` is the data's fingerprint, where it is known. */
  find(job: Job, dataset?: string): RunRecord | undefined;
  save(job: Job, record: RunRecord): Promise<void>;
}

function parsed(where: string, text: string): RunRecord {
  try {
    return RunRecord.parse(JSON.parse(text));
  } catch (error) {
    const message = `${where}: this is not the record of a run (${(error as Error).message.split("\n")[0]}); restore it or delete it and run again`;
    throw new DataError("bad-record", message, { where });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const matching =
  (all: () => readonly RunRecord[]): Store["find"] =>
  (job, dataset) =>
    all().find((record) => record.row === job.row && answers(record, job, dataset));

/** FOLDER/DATA/ROW-SEED.json for each run; a run with other settings takes the place of the one before. */
export function fileStore(folder: string): Store {
  const all = (): RunRecord[] => {
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".json") && !name.split("/").at(-1)!.startsWith("."))
      .sort();
    return names.map((name) => parsed(join(folder, name), readFileSync(join(folder, name), "utf8")));
  };
  return {
    all,
    find: matching(all),
    async save({ data, row, seed }, record) {
      const path = join(folder, data, `${row}-${seed}.json`);
      await mkdir(dirname(path), { recursive: true });
      await writeAtomic(path, `${JSON.stringify(RunRecord.parse(record), null, 2)}\n`);
    },
  };
}

/** One line a run in one file, in the order in which they ended. A line that was cut short by a kill is passed over. */
export function logStore(path: string): Store {
  const all = (): RunRecord[] => {
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((text, k) => (isJson(text) ? [parsed(`${path}:${k + 1}`, text)] : []));
  };
  return {
    all,
    find: matching(all),
    async save(_, record) {
      await mkdir(dirname(path), { recursive: true });
      const cut = existsSync(path) && !/(^|\n)$/.test(readFileSync(path, "utf8"));
      await appendFile(path, `${cut ? "\n" : ""}${JSON.stringify(RunRecord.parse(record))}\n`);
    },
  };
}
