/** @file Locks by file, so that several runners share one queue without doing a run twice. */
import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../src/data/files.ts";

export type Claim =
  | { readonly mine: true; release(): Promise<void> }
  | { readonly mine: false; readonly owner: number };

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM"; // it lives, but belongs to somebody else
  }
}

/** The living process that holds a lock, or undefined. */
export async function ownerOf(path: string): Promise<number | undefined> {
  const owner = Number(await readFile(path, "utf8").catch(() => ""));
  return owner > 0 && isAlive(owner) ? owner : undefined;
}

async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** A guard that is older was left behind by a process that was killed just then. */
const longestClearing = 10_000;

/** Takes away the lock of a process that is gone; whoever makes the guard's folder does it, alone. */
async function clear(path: string): Promise<void> {
  const guard = `${path}.clearing`;
  try {
    await mkdir(guard);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    const { mtimeMs } = await stat(guard).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs < longestClearing) return;
  }
  try {
    if ((await ownerOf(path)) === undefined) await rm(path, { force: true });
  } finally {
    await rm(guard, { recursive: true, force: true });
  }
}

/** Takes a lock, unless a living process holds it. */
export async function claim(path: string): Promise<Claim> {
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path)) return { mine: true, release: () => rm(path, { force: true }) };
    const owner = await ownerOf(path);
    if (owner !== undefined) return { mine: false, owner };
    await new Promise((resolve) => setTimeout(resolve, 50)); // it may have been made just now and be empty still
    if ((await ownerOf(path)) === undefined) await clear(path);
  }
  return { mine: false, owner: (await ownerOf(path)) ?? 0 };
}
