import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { noPostgres, startPostgres, type TestPostgres } from "../testing/postgres.ts";
import { duckdbStore } from "./duckdb-store.ts";
import { memoryStore } from "./memory-store.ts";
import { postgresStore } from "./postgres-store.ts";
import type { ItemChange, LiveEvent, Store } from "./store.ts";

/** A storage that can be opened several times in a row. */
interface Storage {
  open(): Promise<Store>;
}

const folders: string[] = [];
const newFolder = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), "sequitur-state-")));
  return folders.at(-1)!;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Of a file that may be gone already. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

let count = 0;
const event = (user: string, item: string, time = 0, id = `event ${count++}`): LiveEvent => ({
  id,
  user,
  item,
  time,
});
const put = (id: string, title: string): ItemChange => ({
  kind: "put",
  item: { id, title, fields: { year: 1999 } },
});
const hostile = [
  "'; DROP TABLE events; --",
  '"; \\',
  "naïve 🎬 ☃",
  "a\nb\tc",
  "%s {x} $1 {}",
  "<script>",
  "nul\\0",
  " ",
];

function suite(storage: () => Storage, lasting: boolean): void {
  let store: Store;
  beforeAll(async () => {
    store = await storage().open();
  });
  afterAll(() => store.close());

  test("gives a user's events in time order, those of one time in the order they came", async () => {
    expect(await store.append([event("ann", "c", 3), event("ann", "a", 1), event("bob", "x", 1)])).toBe(3);
    expect(await store.events("ann")).toEqual({ items: ["a", "c"], times: [1, 3], erased: false });
    await store.append([event("ann", "b1", 2), event("ann", "b2", 2)]);
    await store.append([event("ann", "b3", 2), event("ann", "d", 3)]);
    expect((await store.events("ann")).items).toEqual(["a", "b1", "b2", "b3", "c", "d"]);
    expect(await store.events("nobody")).toEqual({ items: [], times: [], erased: false });
  });

  test("stores an event id once, in one post, in two, and in two at the same moment", async () => {
    const first = event("eve", "a", 1, "same");
    expect(await store.append([first, { ...first, item: "b" }])).toBe(1);
    expect(await store.append([first])).toBe(0);
    const added = await Promise.all(
      Array.from({ length: 10 }, () => store.append([event("eve", "z", 2, "at once")])),
    );
    expect(added.reduce((sum, one) => sum + one, 0)).toBe(1);
    expect((await store.events("eve")).items).toEqual(["a", "z"]);
    expect(await store.append([])).toBe(0);
  });

  test("shows an event in the answer after it was stored, whatever is read meanwhile", async () => {
    const seen: string[] = [];
    for (let round = 0; round < 50; round++) {
      const reading = store.events("racer");
      await store.append([event("racer", `r${round}`, round)]);
      seen.push((await store.events("racer")).items.at(-1)!);
      await reading;
    }
    expect(seen).toEqual(Array.from({ length: 50 }, (_, round) => `r${round}`));
  });

  test("erases a user, and takes new events of the same id afterwards", async () => {
    await store.append([event("gone", "a", 1, "kept id"), event("gone", "b", 2), event("stays", "a", 1)]);
    expect((await store.events("gone")).items).toHaveLength(2);
    await store.erase("gone");
    await store.erase("never there");
    expect(await store.events("gone")).toEqual({ items: [], times: [], erased: true });
    expect((await store.events("stays")).items).toEqual(["a"]);
    expect(await store.append([event("gone", "c", 1, "kept id")])).toBe(1);
    expect(await store.events("gone")).toEqual({ items: ["c"], times: [1], erased: true });
  });

  test("remembers the last change of an item", async () => {
    for (const change of [
      put("i", "One"),
      put("j", "J"),
      put("i", "Two"),
      { kind: "delete", id: "j" } as const,
    ])
      await store.changeItem(change);
    const changes = await store.itemChanges();
    expect(changes).toHaveLength(2);
    expect(changes).toEqual(expect.arrayContaining([put("i", "Two"), { kind: "delete", id: "j" }]));
  });

  test("takes ids as data", async () => {
    for (const id of hostile) {
      await store.append([event(id, id, 1, `of ${id}`)]);
      expect(await store.events(id)).toEqual({ items: [id], times: [1], erased: false });
      await store.changeItem(put(id, id));
      expect(await store.itemChanges()).toContainEqual(put(id, id));
    }
    await store.erase(hostile[0]!);
    expect((await store.events(hostile[1]!)).items).toEqual([hostile[1]]);
  });

  test("takes many posts at once, each answered for itself", async () => {
    const posts = Array.from({ length: 300 }, (_, post) => [
      event(`many ${post % 7}`, `a${post}`, post),
      event("all", "b", post),
    ]);
    const added = await Promise.all(posts.map((events) => store.append(events)));
    expect(added).toEqual(posts.map(() => 2));
    expect((await store.events("all")).items).toHaveLength(300);
  });

  test.runIf(lasting)("has everything again when it is opened again", async () => {
    const before = {
      ann: await store.events("ann"),
      gone: await store.events("gone"),
      items: await store.itemChanges(),
    };
    await store.close();
    store = await storage().open();
    const after = {
      ann: await store.events("ann"),
      gone: await store.events("gone"),
      items: await store.itemChanges(),
    };
    expect(after.ann).toEqual(before.ann);
    expect(after.gone).toEqual(before.gone);
    expect(new Set(after.items)).toEqual(new Set(before.items));
    expect(await store.append([event("eve", "a", 1, "same")])).toBe(0);
    await store.append([event("ann", "last", 3)]);
    expect((await store.events("ann")).items.at(-1)).toBe("last");
  });
}

describe("the store in memory", () => {
  suite(() => ({ open: async () => memoryStore() }), false);
});

describe("the embedded store", () => {
  const directory = newFolder();
  suite(() => ({ open: () => duckdbStore({ directory }) }), true);

  test("leaves nothing of an erased user on the disk", async () => {
    const own = newFolder();
    const store = await duckdbStore({ directory: own, rewriteAfterMs: 10 });
    const user = "somebody-who-wants-to-be-forgotten";
    await store.append(
      Array.from({ length: 100 }, (_, at) => event(at % 2 ? user : `other ${at}`, `item ${at}`, at)),
    );
    await store.erase(user);
    const reading = Array.from({ length: 20 }, (_, at) => store.events(`other ${2 * at}`)); // while the file is written anew
    await store.append([event("other 0", "during", 1000)]);
    for (const read of await Promise.all(reading)) expect(read.items.length).toBeGreaterThan(0);
    const files = () =>
      readdirSync(own)
        .map((name) => contentOf(join(own, name)))
        .join("");
    for (let wait = 0; wait < 200 && files().includes(user); wait++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(files().includes(user)).toBe(false);
    expect(files()).toContain("other 0");
    await store.close();
    expect(files().includes(user)).toBe(false);
    const again = await duckdbStore({ directory: own });
    expect(await again.events(user)).toEqual({ items: [], times: [], erased: true });
    expect((await again.events("other 0")).items).toEqual(["item 0", "during"]);
    await again.close();
  });

  test("keeps no more in memory than it may, and reads the rest again", async () => {
    const store = await duckdbStore({ directory: newFolder(), cachedEvents: 20 });
    for (let user = 0; user < 30; user++) await store.append([event(`user ${user}`, "a", 1)]);
    for (let round = 0; round < 2; round++)
      for (let user = 0; user < 30; user++) expect((await store.events(`user ${user}`)).items).toEqual(["a"]);
    await store.append([event("user 3", "b", 2)]);
    expect((await store.events("user 3")).items).toEqual(["a", "b"]);
    await store.close();
  });

  test("names a state folder that is no folder", async () => {
    const place = join(newFolder(), "file");
    writeFileSync(place, "");
    await expect(duckdbStore({ directory: join(place, "state") })).rejects.toThrow(
      `state folder ${place}/state: a part of the path is a file, not a folder; name another place`,
    );
  });

  test("names a file that is damaged", async () => {
    const place = newFolder();
    writeFileSync(join(place, "state.duckdb"), "not a database".repeat(1000));
    await expect(duckdbStore({ directory: place })).rejects.toThrow(
      "the file is damaged or of another version",
    );
  });
});

describe.skipIf(noPostgres !== undefined)("the PostgreSQL store", () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  suite(() => ({ open: () => postgresStore({ url: server.url }) }), true);

  test("replicas see each other's events, erasures and items", async () => {
    const [one, two] = [await postgresStore({ url: server.url }), await postgresStore({ url: server.url })];
    await two.itemChanges();
    const told: ItemChange[] = [];
    two.onItemChange((change) => told.push(change));
    await new Promise((resolve) => setTimeout(resolve, 200)); // until it listens
    await one.append([event("shared", "a", 1)]);
    expect((await two.events("shared")).items).toEqual(["a"]);
    await two.append([event("shared", "b", 2)]);
    expect((await one.events("shared")).items).toEqual(["a", "b"]);
    await two.erase("shared");
    expect(await one.events("shared")).toEqual({ items: [], times: [], erased: true });
    await one.changeItem(put("told", "Told"));
    await two.changeItem(put("own", "Own"));
    await one.changeItem({ kind: "delete", id: "told" });
    const deleted: ItemChange = { kind: "delete", id: "told" };
    await vi.waitFor(() => expect(told).toContainEqual(deleted), { timeout: 10_000 });
    expect(told.filter((change) => change.kind === "delete" || change.item.id === "told").at(-1)).toEqual(
      deleted,
    );
    await one.close();
    await two.close();
  });

  test("names a server that cannot be reached", async () => {
    await expect(postgresStore({ url: "postgres://u:secret@127.0.0.1:1/none" })).rejects.toThrow(
      "store postgres://127.0.0.1:1/none: it cannot be reached; start it or mend the address",
    );
    const other = server.url.replace("/postgres?", "/missing?");
    await expect(postgresStore({ url: other })).rejects.toThrow("there is no such database; create it first");
  });
});

test.runIf(noPostgres !== undefined)("the PostgreSQL store is not tested here", ({ skip }) =>
  skip(noPostgres),
);
