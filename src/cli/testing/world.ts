/** @file A dataset folder and a run folder of the cycle world, made through the command line, for tests. */

import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readManifest } from "../../data/manifest.ts";
import { writeToyRun } from "../../evaluation/testing/toy-run.ts";
import { run } from "../run.ts";
import { fakeContext } from "./fake-context.ts";

export interface World {
  readonly root: string;
  readonly log: string;
  readonly dataset: string;
  readonly run: string;
}

/** Twelve people who each go round a circle of eight items, starting at different places; item ids are i0 to i7. */
export async function makeWorld(): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), "sequitur-cli-"));
  const world = { root, log: join(root, "log.csv"), dataset: join(root, "dataset"), run: join(root, "run") };
  const lines = ["user_id,item_id,timestamp"];
  for (let user = 0; user < 12; user++) {
    for (let step = 0; step < 4; step++) lines.push(`person ${user},i${(user + step) % 8},${1000 + step}`);
  }
  await mkdir(root, { recursive: true });
  await writeFile(world.log, `${lines.join("\n")}\n`);
  const code = await run(["import", "--interactions", world.log, "--out", world.dataset], fakeContext());
  if (code !== 0) throw new Error("the toy dataset could not be imported");
  const { fingerprint } = await readManifest(world.dataset);
  const items = Array.from({ length: 8 }, (_, item) => `i${item}`);
  await writeToyRun(world.run, { items, users: 12, fingerprint });
  return world;
}
