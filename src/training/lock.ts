/** @file One process at a time writes a run folder. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../tensor/errors.ts";

export const lockFile = "run.lock";

/** Marks a run folder as this process's own, until the returned function is called. A dead process's mark is void. */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  const path = join(run, lockFile);
  const owner = Number(await readFile(path, "utf8").catch(() => ""));
  if (owner > 0 && owner !== process.pid && isAlive(owner)) {
    const message = `${run} is being trained by process ${owner}; wait until it is done or stop it`;
    throw new DataError("run-locked", message, { run, owner });
  }
  await writeFile(path, String(process.pid));
  return () => rm(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it lives, but belongs to somebody else
  }
}
