import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageRoot } from "./package.ts";
import { run } from "./run.ts";
import { fakeContext } from "./testing/fake-context.ts";
import { sequitur } from "./testing/spawn.ts";
import { makeWorld, type World } from "./testing/world.ts";

let world: World;
let server: ChildProcess;
let address: string;

/** `sequitur serve` as a process, on a baseline: the toy run's model file is no real one. */
beforeAll(async () => {
  world = await makeWorld();
  const trained = join(world.root, "popular");
  const { code, error } = await sequitur([
    "train",
    "--data",
    world.dataset,
    "--out",
    trained,
    "--recipe",
    "popularity",
  ]);
  expect({ code, error }).toMatchObject({ code: 0 });
  const main = join(packageRoot, "dist", "src", "cli", "main.js");
  server = spawn(process.execPath, [main, "serve", "--run", trained, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(createInterface({ input: server.stdout! }), "line");
  ({ address } = JSON.parse(line as string) as { address: string });
});
afterAll(async () => {
  server.kill("SIGKILL");
  await rm(world.root, { recursive: true });
});

const events = [
  { user: "ann, the first", item: "i3", time: 2000 },
  { user: "person 1", item: "i1", time: 1500.5 },
  { user: "ann, the first", item: 'a "new" one', time: 1000 },
];

test("events that were posted are written once the service is stopped, even by kill -9, and imported", async () => {
  const body = JSON.stringify({ events });
  expect((await fetch(`${address}/v1/events`, { method: "POST", body })).status).toBe(200);
  const out = join(world.root, "events.csv");
  const args = ["events", "--run", join(world.root, "popular"), "--out", out];

  const refused = await sequitur(args);
  expect([refused.code, refused.out]).toEqual([2, ""]);
  expect(refused.error).toMatch(
    /popular\.state: a running service has it open; stop the service, export, and/,
  );
  expect(refused.error.trimEnd()).not.toContain("\n");

  server.kill("SIGKILL");
  await once(server, "exit");
  const written = await sequitur([...args, "--json"]);
  expect({ code: written.code, error: written.error }).toEqual({ code: 0, error: "" });
  expect(JSON.parse(written.out)).toEqual({ out, events: 3, users: 2, items: 3, from: 1000, to: 2000 });
  expect(await readFile(out, "utf8")).toBe(
    'user_id,item_id,timestamp\n"ann, the first","a ""new"" one",1000.0\nperson 1,i1,1500.5\n"ann, the first",i3,2000.0\n',
  );
  const data = join(world.root, "again");
  expect((await sequitur(["import", "--interactions", out, "--out", data])).code).toBe(0);
});

test("the state folder may be named itself", async () => {
  const context = fakeContext();
  const out = join(world.root, "events.parquet");
  const state = join(world.root, "popular.state");
  expect(await run(["events", "--state", state, "--out", out], context)).toBe(0);
  expect(context.written.out).toBe(
    `wrote ${out}: 3 events of 2 users and 3 items, 1970-01-01T00:16:40Z to 1970-01-01T00:33:20Z\n`,
  );
});

test("which events is asked for", async () => {
  const context = fakeContext();
  expect(await run(["events", "--out", "events.csv"], context)).toBe(2);
  expect(context.written.error).toContain("give --run FOLDER, --state FOLDER or --store postgres://");
});
