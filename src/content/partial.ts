/** @file What an encoding that was interrupted has done: frames of encoded items that are only ever appended. */

import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { featureFolder } from "../data/features.ts";

/** An item's vector, or what is wrong with its content. */
export type Outcome = Float32Array | string;

interface Head {
  readonly identity: string;
  readonly keys: readonly string[];
  /** What is wrong with the content of a key; null where there is a vector. */
  readonly problems: readonly (string | null)[];
  readonly dim: number;
}

/** Outcomes by key; those of another encoder or of other settings are not taken over. */
export interface Partial {
  readonly done: ReadonlyMap<string, Outcome>;
  append(keys: readonly string[], outcomes: readonly Outcome[]): Promise<void>;
  remove(): Promise<void>;
}

/** The partial results of a dataset's table; a frame that was cut short is left out. */
export async function openPartial(directory: string, table: string, identity: string): Promise<Partial> {
  const path = join(featureFolder(directory), `.${table}.partial`);
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  const { done, whole } = readFrames(bytes, identity);
  if (!whole) await rm(path, { force: true });
  if (!whole && done.size > 0) await write(path, identity, [...done.keys()], [...done.values()]);
  return {
    done,
    append: (keys, outcomes) => write(path, identity, keys, outcomes),
    remove: () => rm(path, { force: true }),
  };
}

function readFrames(bytes: Buffer, identity: string) {
  const done = new Map<string, Outcome>();
  let at = 0;
  while (at + 4 <= bytes.length) {
    const begin = at + 4 + bytes.readUInt32LE(at);
    const head = begin <= bytes.length ? headOf(bytes.toString("utf8", at + 4, begin)) : undefined;
    const vectors = head?.problems.filter((problem) => problem === null).length ?? 0;
    const end = begin + 4 * vectors * (head?.dim ?? 0);
    if (head === undefined || head.identity !== identity || end > bytes.length) return { done, whole: false };
    let from = begin;
    for (const [i, key] of head.keys.entries()) {
      const problem = head.problems[i];
      const to = from + 4 * head.dim;
      if (typeof problem === "string") done.set(key, problem);
      else
        done.set(key, new Float32Array(bytes.buffer.slice(bytes.byteOffset + from, bytes.byteOffset + to)));
      if (typeof problem !== "string") from = to;
    }
    at = end;
  }
  return { done, whole: at === bytes.length };
}

function headOf(text: string): Head | undefined {
  try {
    return JSON.parse(text) as Head;
  } catch {
    return undefined;
  }
}

/** Appends one frame: the length of its head, the head as JSON, and the vectors. */
async function write(
  path: string,
  identity: string,
  keys: readonly string[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const vectors = outcomes.filter((outcome) => typeof outcome !== "string");
  const problems = outcomes.map((outcome) => (typeof outcome === "string" ? outcome : null));
  const head = Buffer.from(JSON.stringify({ identity, keys, problems, dim: vectors[0]?.length ?? 0 }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  const data = vectors.map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  await mkdir(join(path, ".."), { recursive: true });
  await appendFile(path, Buffer.concat([length, head, ...data]));
}
