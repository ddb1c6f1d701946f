import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../src/data/dataset.ts";
import { listFeatures } from "../src/data/features.ts";
import { dataFolder, knownFingerprint } from "./data-sets.ts";
import { estimatedSeconds } from "./estimate.ts";
import type { Execute, Task } from "./execute.ts";
import type { Job } from "./job.ts";
import { listText } from "./leaderboard.ts";
import { claim } from "./locks.ts";
import { planOf } from "./plan.ts";
import { answers } from "./record.ts";
import { rows } from "./rows.ts";
import { folderOf, lockOf, runQueue, standing } from "./runner.ts";
import { fileStore, logStore, type Store } from "./store.ts";
import { madeUpRecord, makeWorld, type World } from "./testing/world.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => rm(world.root, { recursive: true, force: true }));

const jobOf = (name: string): Job =>
  planOf(rows, { only: [name], data: ["amazon-beauty"], seeds: [0] }).jobs[0]!;
const [sasrec, popularity, markov] = [jobOf("sasrec"), jobOf("popularity"), jobOf("markov")];
const all = [sasrec, popularity, markov];

/** A queue of its own on the one imported data set, whose runs take no time. */
async function queue(name: string, fake?: Execute) {
  const store = fileStore(join(world.root, name));
  const executed: Task[] = [];
  const told: string[] = [];
  const fingerprint = async () => (await knownFingerprint(world.work, "amazon-beauty"))!;
  const execute: Execute = async (task, ...rest) => {
    executed.push(task);
    await mkdir(task.folder, { recursive: true });
    if (fake) return fake(task, ...rest);
    return madeUpRecord(task.job, 0.05, { dataset: await fingerprint() });
  };
  const options = {
    ...world,
    store,
    execute,
    threads: 1,
    onProgress: (text: string) => void told.push(text),
  };
  const run = (jobs: readonly Job[] = all, more = {}) => runQueue({ ...options, jobs, ...more });
  return { store, executed, told, run, ids: () => executed.map(({ job }) => job.id) };
}

describe("a queue of runs", () => {
  it("imports the data once, runs what is missing in order, and nothing twice", async () => {
    const { run, ids, store, executed } = await queue("missing");
    expect(await run([popularity])).toEqual({ done: 1, failed: [], elsewhere: 0, left: 0 });
    expect(executed[0]!.data).toBe(dataFolder(world.work, "amazon-beauty"));
    expect(await run()).toEqual({ done: 2, failed: [], elsewhere: 0, left: 0 });
    expect(ids()).toEqual([popularity.id, sasrec.id, markov.id]);
    expect(await run()).toEqual({ done: 0, failed: [], elsewhere: 0, left: 0 });
    expect(store.all()).toHaveLength(3);
  });

  it("encodes the texts of data that has some, also where it was imported before", async () => {
    const { run, ids } = await queue("texts");
    await run([popularity]);
    const folder = dataFolder(world.work, "amazon-beauty");
    const tables = async () => listFeatures(await openDataset(folder));
    expect(await tables()).toEqual(["text"]);
    await rm(join(folder, "features"), { recursive: true });
    await run([markov]);
    expect(await tables()).toEqual(["text"]);
    expect(ids()).toEqual([popularity.id, markov.id]);
  });

  it("runs again what was measured with other settings, or on other data", async () => {
    const { run, ids, store } = await queue("other");
    await store.save(markov, madeUpRecord(markov));
    const other = planOf([{ name: "sasrec", title: "", recipe: "sasrec", set: { "items.dim": 32 } }])
      .jobs[0]!;
    await store.save(sasrec, madeUpRecord(other));
    await run([sasrec, markov]);
    expect(ids()).toEqual([sasrec.id, markov.id]);
    expect(store.all()).toHaveLength(2); // in the place of those before
  });

  it("leaves a killed run's folder for the next one, and clears that of a finished one", async () => {
    const killed = await queue("killed", async () => {
      throw new Error("its process ended by SIGKILL");
    });
    expect((await killed.run([markov])).failed).toEqual([markov.id]);
    const folder = folderOf(world.work, markov);
    expect(existsSync(folder)).toBe(true);
    const states = await standing({ store: killed.store, work: world.work }, all, existsSync);
    expect(states.map(({ state }) => state)).toEqual(["missing", "missing", "begun"]);
    const again = await queue("killed");
    await again.run([markov]);
    expect(again.executed[0]!.folder).toBe(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it("goes on after a run that fails, and says why", async () => {
    const { run, told } = await queue("failing", async ({ job }) => {
      if (job.row === "popularity") throw new Error("popularity: it went wrong");
      return madeUpRecord(job);
    });
    expect(await run()).toEqual({ done: 2, failed: [popularity.id], elsewhere: 0, left: 0 });
    expect(told).toContain("popularity: it went wrong");
  });

  it("passes over what a living process is at, and takes over from a dead one", async () => {
    const { run, ids, told } = await queue("locked");
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const lock = lockOf(world.work, markov);
    await mkdir(dirname(lock), { recursive: true });
    await writeFile(lock, String(other.pid));
    expect(await run([markov])).toEqual({ done: 0, failed: [], elsewhere: 1, left: 0 });
    expect(told).toEqual([`${markov.id}: process ${other.pid} is at it`]);
    const gone = new Promise((resolve) => other.on("exit", resolve));
    other.kill("SIGKILL");
    await gone;
    expect((await run([markov])).done).toBe(1);
    expect(ids()).toEqual([markov.id]);
    expect(existsSync(lock)).toBe(false);
  });

  it("gives a lock to one of many who want it at once, also where a dead process left it", async () => {
    const path = join(world.root, "one.lock");
    for (const left of [undefined, "999999999", ""]) {
      if (left !== undefined) await writeFile(path, left);
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(path)));
      const mine = claims.filter((c) => c.mine);
      expect(mine).toHaveLength(1);
      await mine[0]!.release();
    }
  });

  it("starts nothing after its time, nor after it was stopped", async () => {
    const { run, executed } = await queue("late");
    expect(await run(all, { until: Date.now() - 1 })).toEqual({
      done: 0,
      failed: [],
      elsewhere: 0,
      left: 3,
    });
    await run(all, { signal: AbortSignal.abort() });
    expect(executed).toEqual([]);
  });

  it("estimates from the row's own runs, here or elsewhere", async () => {
    const records = [madeUpRecord(sasrec), madeUpRecord(sasrec, 0.05, { seconds: { wall: 200, cpu: 1 } })];
    expect(estimatedSeconds(sasrec, records)).toBe(150);
    const [scientific] = planOf(rows, { only: ["sasrec"], data: ["amazon-scientific"] }).jobs;
    expect(estimatedSeconds(scientific!, records)).toBeCloseTo((150 * 85_211) / 198_502);
    expect(estimatedSeconds(markov, records)).toBeUndefined();
    const store = { all: () => records } as unknown as Store;
    const text = listText(
      [
        { job: sasrec, state: "begun" },
        { job: markov, state: "missing" },
        { job: popularity, state: "there" },
      ],
      store,
    );
    expect(text).toBe(
      [
        "leaderboard/amazon-beauty/sasrec-0: begun, about 3 min",
        "leaderboard/amazon-beauty/markov-0: missing, time unknown",
        "leaderboard/amazon-beauty/popularity-0: there",
        "1 of 3 are there; the others take about 3 min, and 1 whose time is not known\n",
      ].join("\n"),
    );
  });
});

describe("the record of a run", () => {
  it("answers whatever the threads were, and whatever settings came since with their defaults", () => {
    const record = madeUpRecord(sasrec);
    const training = { ...(record.config.training as object), threads: 7 } as Record<string, unknown>;
    delete training.rematerialize;
    expect(answers({ ...record, config: { ...record.config, training } }, sasrec)).toBe(true);
    training.epochs = 3;
    expect(answers({ ...record, config: { ...record.config, training } }, sasrec)).toBe(false);
    expect(answers({ ...record, config: { unknown: {} } }, sasrec)).toBe(false);
    expect(answers(record, { ...sasrec, seed: 1 })).toBe(false);
    expect(answers(record, sasrec, "other data")).toBe(false);
  });

  it("is refused where its file was altered", async () => {
    const folder = join(world.root, "altered");
    await mkdir(folder);
    await writeFile(join(folder, "x.json"), '{"row": 1}');
    expect(() => fileStore(folder).all()).toThrow(/x\.json: this is not the record of a run/);
  });

  it("is found in a log whose last line was cut short", async () => {
    const path = join(world.root, "log.jsonl");
    const store = logStore(path);
    await store.save(markov, madeUpRecord(markov));
    await writeFile(path, `${await readFile(path, "utf8")}{"row":"mar`);
    await store.save(popularity, madeUpRecord(popularity));
    expect(store.all().map(({ row }) => row)).toEqual(["markov", "popularity"]);
    expect(store.find(popularity)?.row).toBe("popularity");
  });
});
