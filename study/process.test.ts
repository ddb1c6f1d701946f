import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAlive } from "./locks.ts";
import { rows } from "./rows.ts";
import { fileStore, logStore } from "./store.ts";
import { makeWorld, type World } from "./testing/world.ts";

const main = join(import.meta.dirname, "main.js");

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => rm(world.root, { recursive: true, force: true }));

/** Starts a study on the small world; what it says on the error stream is in `said`. */
function start(...args: readonly string[]) {
  const { work, shared, docs } = world;
  const folders = ["--work", work, "--shared", shared, "--results", docs, "--threads", "1"];
  const child: ChildProcess = spawn(process.execPath, [main, ...args, ...folders]);
  const said = { out: "", error: "" };
  child.stdout!.on("data", (text) => {
    said.out += text;
  });
  child.stderr!.on("data", (text) => {
    said.error += text;
  });
  const code = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, said, code };
}

async function until(happened: () => boolean): Promise<void> {
  for (let k = 0; k < 1200 && !happened(); k++) await new Promise((resolve) => setTimeout(resolve, 25));
  expect(happened()).toBe(true);
}

describe("npm run study", () => {
  it("runs a row, keeps its record and writes the page", async () => {
    const { said, code } = start("leaderboard", "--only", "markov", "--data", "amazon-beauty");
    expect([await code, said.out]).toEqual([0, "1 done\n"]);
    const [record] = fileStore(join(world.docs, "results", "leaderboard")).all();
    expect(record).toMatchObject({ row: "markov", seed: 0, threads: 1, parameters: null, epochs: 0 });
    expect(record!.metrics!["HR@10"]).toBeGreaterThan(0.5);
    expect(record!.seconds.cpu).toBeGreaterThan(0);
    expect(record!.command).toBe(
      "npm run study -- leaderboard --only markov --data amazon-beauty --seeds 0 --threads 1",
    );
    expect(await readFile(join(world.docs, "leaderboard.md"), "utf8")).toContain("| Markov chain");
    const again = start("leaderboard", "--only", "markov", "--data", "amazon-beauty", "--list");
    await again.code;
    expect(again.said.out).toContain("1 of 1 are there");
  });

  it("goes on with a training whose runner was killed, and counts the time of both", async () => {
    const config = join(world.root, "small.json");
    const set = { "items.dim": 8, "training.epochs": 40, "training.patience": 40, "training.maxLength": 8 };
    await writeFile(
      config,
      JSON.stringify({ about: "small", recipe: "sasrec", data: "amazon-beauty", trials: [set] }),
    );
    const first = start("search", "--config", config);
    await until(() => first.said.error.includes(" epoch 2/40"));
    first.child.kill("SIGKILL");
    await first.code;
    const [folder] = await readdir(join(world.work, "runs"));
    const lock = join(world.work, "runs", folder!, "run", "run.lock");
    const trainer = Number(await readFile(lock, "utf8"));
    await until(() => !isAlive(trainer)); // it ends with its runner
    const second = start("search", "--config", config);
    expect(await second.code).toBe(0);
    expect(second.said.error).toMatch(/continuing after epoch \d+/);
    expect(second.said.error).not.toContain(" epoch 1/40");
    const [record] = logStore(join(world.docs, "results", "search", "small.jsonl")).all();
    expect(record).toMatchObject({ row: "small", epochs: 40, set });
    expect(record!.metrics).toBeUndefined();
    expect(record!.parameters).toBeGreaterThan(20 * 8);
    expect(await readdir(join(world.work, "runs"))).toEqual([]);
    expect(await readdir(join(world.work, "locks"))).toEqual([]);
  });

  it("refuses what is not there in one sentence", async () => {
    await mkdir(join(world.root, "empty"));
    const names = rows.map(({ name }) => name).join(", ");
    const cases = [
      [
        ["leaderbord"],
        'study: there is no "leaderbord"; the nearest is "leaderboard"; there are: leaderboard, search, content, transfer\n',
      ],
      [
        ["leaderboard", "--only", "gru4rek"],
        `study: there is no row "gru4rek"; the nearest is "gru4rec"; there are: ${names}\n`,
      ],
      [["search"], "study: search needs --config FILE, such as study/searches/gru4rec.json\n"],
      [["search", "--config", "no.json"], "study: no.json: there is no such file; check --config\n"],
    ] as const;
    for (const [args, message] of cases) {
      const { said, code } = start(...args);
      expect([await code, said.error]).toEqual([2, message]);
    }
  });
});
