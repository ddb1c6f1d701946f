import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LiveServer, lostEvents, startLiveServer, streamEvents } from "./testing/live-server.ts";
import { noPostgres, startPostgres, type TestPostgres } from "./testing/postgres.ts";

const root = mkdtempSync(join(tmpdir(), "sequitur-durable-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const post = (address: string, path: string, body: unknown) =>
  fetch(`${address}${path}`, { method: "POST", body: JSON.stringify(body) });

/** Streams events, kills the server on the way, starts it again and counts. */
async function survives(options: { directory: string; store?: string }): Promise<void> {
  let server = await startLiveServer(options);
  const { acknowledged, done } = streamEvents(server.address, 1_000_000);
  while (acknowledged.size < 300) await new Promise((resolve) => setTimeout(resolve, 5));
  await server.kill();
  await done;
  server = await startLiveServer(options);
  expect(await lostEvents(server.address, acknowledged)).toBe(0);
  const answer = await post(server.address, "/v1/recommend", { user: "user 7", k: 6 });
  expect(answer.status).toBe(200);
  await server.stop();
  expect(server.process.exitCode).toBe(0);
}

describe("an acknowledged event survives kill -9", () => {
  test("with the embedded store, again and again", async () => {
    for (let round = 0; round < 2; round++) await survives({ directory: join(root, "embedded") });
  });

  describe.skipIf(noPostgres !== undefined)("with PostgreSQL", () => {
    let database: TestPostgres;
    beforeAll(async () => {
      database = await startPostgres();
    });
    afterAll(() => database.stop());

    test("of the server", async () => {
      await survives({ directory: root, store: database.url });
    });

    test("and replicas answer for each other", async () => {
      const options = { directory: root, store: database.url };
      const replicas = [await startLiveServer(options), await startLiveServer(options)] as const;
      for (let round = 0; round < 20; round++) {
        const [one, two] = round % 2 ? replicas : [...replicas].reverse();
        const item = "abcdef"[round % 6]!;
        await post(one!.address, "/v1/events", { events: [{ user: `shared ${round}`, item }] });
        const answer = await post(two!.address, "/v1/recommend", { user: `shared ${round}`, k: 1 });
        expect(await answer.json()).toMatchObject({ items: [{ id: "abcdef"[(round + 1) % 6] }] });
        await fetch(`${two!.address}/v1/users/shared%20${round}`, { method: "DELETE" });
        expect((await post(one!.address, "/v1/recommend", { user: `shared ${round}` })).status).toBe(404);
      }
      for (const replica of replicas) await replica.stop();
    });
  });
});

describe("a storage that fails", () => {
  /** A node that may write files of so many kilobytes only, as if the disk were full. */
  function limitedNode(kilobytes: number): string {
    const path = join(root, `node-${kilobytes}`);
    const blocks = kilobytes * 2; // of 512 bytes in POSIX shells
    writeFileSync(path, `#!/bin/sh\ntrap '' XFSZ\nulimit -f ${blocks}\nexec "${process.execPath}" "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  test("that is full refuses events in plain words, keeps those of before, and goes on answering", async () => {
    const directory = join(root, "full");
    let server = await startLiveServer({ directory, execPath: limitedNode(400) });
    const acknowledged = new Set<string>();
    let refusal: Response | undefined;
    for (let round = 0; round < 40 && refusal === undefined; round++) {
      const events = Array.from({ length: 200 }, (_, at) => ({
        id: `${round}.${at}`,
        user: `${at}`.repeat(100),
        item: "a",
      }));
      const answer = await post(server.address, "/v1/events", { events });
      if (answer.status === 200) for (const { id } of events) acknowledged.add(id);
      else refusal = answer;
    }
    expect(refusal?.status).toBe(503);
    expect(await refusal!.json()).toMatchObject({ code: "store" });
    expect(server.errors.join()).toContain("the disk is full; free some space");
    expect((await post(server.address, "/v1/recommend", { history: ["a"] })).status).toBe(200);
    await server.kill();
    server = await startLiveServer({ directory });
    expect(await lostEvents(server.address, acknowledged)).toBe(0);
    await server.stop();
  });

  test("that may not be written is named when the service starts", async () => {
    const closed = join(root, "closed");
    mkdirSync(closed);
    chmodSync(root, 0o755);
    chmodSync(closed, 0o555);
    const uid = process.getuid?.() === 0 ? 65_534 : undefined; // root may write everywhere
    const start = startLiveServer({
      directory: join(closed, "state"),
      ...(uid === undefined ? {} : { uid }),
    });
    await expect(start).rejects.toThrow(
      `state folder ${closed}/state: no permission to write there; change the permission or name another place`,
    );
  });

  test("that another process uses is named", async () => {
    const directory = join(root, "twice");
    const server: LiveServer = await startLiveServer({ directory });
    await expect(startLiveServer({ directory })).rejects.toThrow(
      "another process uses it; stop that one, or let several share a PostgreSQL database",
    );
    await server.stop();
  });
});
