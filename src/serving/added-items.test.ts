import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDataset } from "../data/dataset.ts";
import { openFeatures } from "../data/features.ts";
import { app } from "./app.ts";
import type { PutItemAnswer } from "./live-schemas.ts";
import type { Recommender } from "./recommender.ts";
import { TraceAnswer } from "./schemas.ts";
import { Service } from "./service.ts";
import { duckdbStore } from "./state/duckdb-store.ts";
import { postgresStore } from "./state/postgres-store.ts";
import { type ContentWorld, contentWorld, idOf, textOnly, titleOf } from "./testing/content-world.ts";
import { noPostgres, startPostgres, type TestPostgres } from "./testing/postgres.ts";

let world: ContentWorld;
/** Its items are known by their texts alone. */
let recommender: Recommender;
beforeAll(async () => {
  world = await contentWorld();
  recommender = await world.open(await world.run("text-only"));
}, 300_000);
afterAll(async () => {
  await recommender.dispose();
  await world.remove();
});

/** Kinds of the world. */
const kindCount = 8;

const idsOf = (list: { readonly items: readonly { readonly id: string }[] }): string[] =>
  list.items.map(({ id }) => id);

describe("a new item of a model that reads texts", () => {
  it("stands beside the one that reads the same, at once, in lists and in histories", async () => {
    const [tea, twin] = ["new tea", idOf(2, 5)];
    expect(await recommender.addItems([{ id: tea, title: titleOf(2, 5) }])).toEqual([
      { added: true, recommendable: true },
    ]);
    const [nearest] = (await recommender.similar(tea, { k: 1 })).items;
    expect(nearest!.id).toBe(twin);
    expect(nearest!.score).toBeCloseTo(1, 4);
    expect(idsOf(await recommender.similar(twin, { k: 1 }))).toEqual([tea]);
    const history = [idOf(0, 1), idOf(1, 3)];
    const { items } = await recommender.recommend({ history, k: 65 });
    const scoreOf = (id: string): number => items.find((item) => item.id === id)!.score;
    expect(scoreOf(tea)).toBeCloseTo(scoreOf(twin), 2);
    const exclude = [tea, twin];
    const [after, afterTwin] = await recommender.recommendBatch([
      { history: [...history, tea], exclude },
      { history: [...history, twin], exclude },
    ]);
    expect(after!.unknown).toBeUndefined();
    expect(idsOf(after!)).toEqual(idsOf(afterTwin!));
    expect(await recommender.deleteItem(tea)).toBe(true);
    expect(idsOf(await recommender.recommend({ history, k: 65 }))).not.toContain(tea);
    await expect(recommender.similar(tea)).rejects.toThrow("there is no item");
  });

  it("has the scores that the evaluation of items kept from training has for the same texts", async () => {
    const cold = recommender.items.filter(({ id, count }) => count === 0 && recommender.item(id));
    expect(cold.length).toBeGreaterThanOrEqual(3);
    await recommender.addItems(cold.map(({ id, title }) => ({ id: `again ${id}`, title })));
    const items = cold.flatMap(({ id }) => [id, `again ${id}`]);
    for (const history of [[idOf(0, 1), idOf(1, 3)], [idOf(5, 2)], [cold[0]!.id, idOf(7, 0)]]) {
      const { trace } = await recommender.recommend({ history, seen: "include", trace: { items } });
      for (const { parts, score } of TraceAnswer.parse(trace).asked)
        expect(parts!.model + parts!.neighbours!).toBeCloseTo(score!, 4);
      const scores = new Map(trace!.asked.map(({ id, score }) => [id, score!]));
      // An item in the history is no neighbour of itself; another that reads the same is.
      for (const { id } of cold.filter((item) => !history.includes(item.id)))
        expect(scores.get(`again ${id}`)).toBeCloseTo(scores.get(id)!, 4);
    }
    for (const { id } of cold) await recommender.deleteItem(`again ${id}`);
  });

  it("is encoded anew when its text is another, and a trained one as well; the same text changes nothing", async () => {
    const kindAfter = async (id: string) =>
      (await recommender.similar(id, { k: 1 })).items[0]!.id.slice(0, 2);
    await recommender.addItems([{ id: "x", title: titleOf(2, 5) }]);
    expect(await kindAfter("x")).toBe("k2");
    expect(await recommender.addItems([{ id: "x", title: titleOf(6, 1) }])).toEqual([
      { added: false, recommendable: true },
    ]);
    expect(await kindAfter("x")).toBe("k6");
    const old = idOf(4, 0);
    const before = await recommender.similar(old, { k: 5 });
    await recommender.addItems([{ id: old, title: titleOf(4, 0), fields: { colour: "green" } }]);
    const same = await recommender.similar(old, { k: 5 });
    expect(idsOf(same)).toEqual(idsOf(before));
    for (const [k, { score }] of same.items.entries()) expect(score).toBeCloseTo(before.items[k]!.score, 5);
    await recommender.addItems([{ id: old, title: titleOf(7, 2) }]);
    expect(await kindAfter(old)).toBe("k7");
    await recommender.addItems([{ id: old, title: titleOf(4, 0) }]);
    expect(idsOf(await recommender.similar(old, { k: 5 }))).toEqual(idsOf(before));
  });

  it("without anything to read is kept, found by filters, and not recommended by the model; the reason is told", async () => {
    const [silent, strange] = await recommender.addItems([
      { id: "silent", fields: { colour: "red" } },
      { id: "strange", title: "zzzz qqqq", fields: { colour: "red" } },
    ]);
    expect(silent).toEqual({
      added: true,
      recommendable: false,
      reason:
        "the item has nothing that the model reads, so it cannot be recommended (text: it has no text in title)",
      missing: { text: "it has no text in title" },
    });
    expect(strange!.missing).toEqual({ text: "none of its words is in the texts of the catalogue" });
    expect(recommender.fieldsOf("silent")).toEqual({ colour: "red" });
    const all = (await recommender.recommend({ history: [idOf(0, 0)], k: 80 })).items;
    const last = { id: "silent", score: 0, source: "popularity" };
    expect(all.find(({ id }) => id === "silent")).toEqual(last); // after everything that the model knows
    const [told] = await recommender.addItems([{ id: "silent", title: titleOf(0, 0) }]);
    expect(told).toEqual({ added: false, recommendable: true });
    const [again] = await recommender.addItems([{ id: "silent" }]);
    expect(again).toMatchObject({ added: false, recommendable: false });
    expect((await recommender.similar("silent")).items).toEqual([]);
  });

  it("may bring its features, which must be such as those of training", async () => {
    const { values, dim } = await openFeatures(await openDataset(world.data), "text");
    const row = recommender.items.findIndex(({ id }) => id === idOf(3, 3));
    const features = { text: Array.from(values.subarray(row * dim, (row + 1) * dim)) };
    await recommender.addItems([{ id: "ready", features }]);
    const [nearest] = (await recommender.similar("ready", { k: 1 })).items;
    expect(nearest!.score).toBeCloseTo(1, 5);
    expect(nearest!.id).toBe(idOf(3, 3));
    const refused = (given: Record<string, number[]>) =>
      recommender.addItems([
        { id: "fine", title: "tea" },
        { id: "bad", features: given },
      ]);
    await expect(refused({ text: [1, 2] })).rejects.toThrow(
      `item "bad": features "text" must be ${dim} finite numbers, as in training; there are 2`,
    );
    await expect(refused({ text: Array(dim).fill(1e39) })).rejects.toThrow("number 1 is not");
    await expect(refused({ txt: [] })).rejects.toThrow(
      'the model reads no features "txt"; the nearest is "text"',
    );
    expect(recommender.item("fine")).toBeUndefined();
  });

  it("needs its features where the dataset or the table of training is gone", async () => {
    const features = join(world.data, "features");
    const run = await world.run("text-only");
    const late = await world.open(run);
    await rename(features, `${features}.away`);
    try {
      const [added, kept] = await late.addItems([
        { id: "n", title: titleOf(0, 0) },
        { id: idOf(0, 0), title: "changed" },
      ]);
      expect(added!.reason).toContain('the dataset no longer has features "text"');
      expect(kept).toEqual({ added: false, recommendable: true });
    } finally {
      await rename(`${features}.away`, features);
    }
    expect(await late.addItems([{ id: "n", title: titleOf(0, 0) }])).toEqual([
      { added: false, recommendable: true },
    ]);
    await late.dispose();
    const without = await world.open(run, { users: "none" });
    const [one] = await without.addItems([{ id: "n", title: titleOf(0, 0) }]);
    expect(one!.reason).toContain("the dataset of the run was not found");
    await without.dispose();
  }, 300_000);
});

describe.each(["int8", "approximate"] as const)("the %s index", (index) => {
  it("finds new items beside those that read the same, until they change or go", async () => {
    // Where neighbours by content are part of the scores, every item is scored and the index has no say.
    const run = await world.run("indexed", { set: { ...textOnly, "scoring.neighbourWeight": 0 } });
    const [indexed, exact] = [await world.open(run, { index }), await world.open(run, { index: "exact" })];
    const nearest = async (id: string) => (await indexed.similar(id, { k: 1 })).items[0]!;
    const fresh = Array.from({ length: kindCount }, (_, kind) => `new ${kind}`);
    for (const turn of [0, 3]) {
      const fields = { colour: `green ${turn}` };
      const items = fresh.map((id, kind) => ({ id, title: titleOf((kind + turn) % kindCount, 3), fields }));
      for (const one of [indexed, exact]) await one.addItems(items);
      for (const [kind, id] of fresh.entries()) {
        const twin = idOf((kind + turn) % kindCount, 3);
        expect(await nearest(id)).toMatchObject({ id: twin, score: expect.closeTo(1, 4) });
        expect((await nearest(twin)).id).toBe(id);
      }
    }
    const history = [idOf(0, 1), idOf(1, 3)];
    const best = async (one: Recommender) =>
      (await one.recommend({ history, k: 30 })).items.map(({ score }) => score);
    const right = (await best(exact)).map((score) => expect.closeTo(score, 4));
    expect(await best(indexed)).toEqual(right); // with the new items, each of which scores as its twin
    const asked = { history, k: 5, filter: { colour: "green 3" } };
    const found = idsOf(await indexed.recommend(asked));
    expect(found.filter((id) => fresh.includes(id))).toHaveLength(5);
    for (const id of fresh) await indexed.deleteItem(id);
    const left = await indexed.recommend({ history, k: 80 });
    expect(idsOf(left).filter((id) => fresh.includes(id))).toEqual([]);
    for (const one of [indexed, exact]) await one.dispose();
  }, 300_000);
});

/** A database server, or none where the store needs none. */
type Server = Pick<TestPostgres, "stop"> & Partial<Pick<TestPostgres, "url">>;
const stores: [name: string, start: () => Promise<Server>][] = [
  ["embedded", async () => ({ stop: async () => {} })],
  ...(noPostgres === undefined ? [["PostgreSQL", startPostgres] as [string, typeof startPostgres]] : []),
];

describe.each(stores)("a service with the %s store", (_, start) => {
  it("encodes an item that is put, again after a restart, and tells its replicas", async () => {
    const server = await start();
    const state = join(world.folder, `state ${server.url === undefined}`);
    const run = await world.run("text-only");
    const open = async () => {
      const store = server.url
        ? await postgresStore({ url: server.url })
        : await duckdbStore({ directory: state });
      return Service.open({ store, open: (parts) => world.open(run, parts) });
    };
    const near = async ({ recommender: current }: Service, id: string) =>
      (await current.similar(id, { k: 1 })).items[0]?.id;
    const first = await open();
    const replica = server.url ? await open() : undefined;
    const put = async (id: string, body: object) => {
      const answer = await app(first).request(`/v1/items/${id}`, {
        method: "PUT",
        body: JSON.stringify(body),
      });
      return { status: answer.status, ...((await answer.json()) as PutItemAnswer) };
    };
    expect(await put("n", { title: titleOf(2, 5) })).toEqual({
      status: 200,
      id: "n",
      added: true,
      recommendable: true,
    });
    expect(await near(first, "n")).toBe(idOf(2, 5));
    const shown = async (id: string) => (await app(first).request(`/v1/items/${id}`)).json();
    expect(await shown("n")).toMatchObject({ title: titleOf(2, 5), fields: {}, recommendable: true });
    await put("n", { title: titleOf(6, 1), fields: { colour: "red" } });
    expect(await put("o", { features: { text: [1] } })).toMatchObject({ status: 422, code: "bad-features" });
    expect(await put("o", {})).toMatchObject({ recommendable: false, missing: { text: expect.any(String) } });
    expect(await shown("o")).toMatchObject({
      recommendable: false,
      reason: expect.stringContaining("nothing that the model reads"),
    });
    await put("gone", { title: titleOf(0, 0) });
    await first.deleteItem("gone");
    await first.addEvents({ events: [{ user: "new", item: "n" }] });
    await first.close();
    if (replica) await vi.waitFor(async () => expect(await near(replica, "n")).toBe(idOf(6, 1)), 20_000);
    await replica?.close();
    const again = await open();
    expect(await near(again, "n")).toBe(idOf(6, 1));
    expect(again.recommender.fieldsOf("n")).toEqual({ colour: "red" });
    expect(again.recommender.item("gone")).toBeUndefined();
    const list = await again.recommender.recommend({ user: "new", k: 3 });
    expect(list.fallback).toBeUndefined(); // its one event is of the new item, which the model reads
    await again.close();
    await server.stop();
  }, 300_000);
});

it("a model of ids alone keeps a new item and says what to do", async () => {
  const recommender = await world.open(
    await world.run("ids", { recipe: "sasrec", set: { "items.start": "noise" } }),
  );
  const [added] = await recommender.addItems([{ id: "new", title: "New", features: { text: [1] } }]);
  expect(added).toEqual({
    added: true,
    recommendable: false,
    reason:
      "sasrec knows items by their ids alone, so it cannot recommend one that it was not trained with; train again with it, or train a recipe that reads content, such as sasrec-text",
  });
  expect(recommender.item("new")).toMatchObject({ title: "New" });
  expect(await recommender.addItems([{ id: idOf(0, 0), title: "Renamed" }])).toEqual([
    { added: false, recommendable: true },
  ]);
  await recommender.dispose();
}, 300_000);

it("a model of attributes reads the fields of new items", async () => {
  const set = {
    "items.parts.id": null,
    "items.parts.text": null,
    "items.parts.attributes": { fields: ["colour"] },
    "loss.negatives": 64,
  };
  const recommender = await world.open(await world.run("fields", { set }));
  const [red, none] = await recommender.addItems([
    { id: "r", fields: { colour: "red" } },
    { id: "n", fields: { colour: "puce" } },
  ]);
  expect([red!.recommendable, none!.recommendable]).toEqual([true, false]);
  expect(none!.reason).toContain("neither its fields nor its title nor a picture say anything to it");
  const near = await recommender.similar("r", { k: 5 });
  expect(near.items[0]!.score).toBeCloseTo(1, 4);
  await recommender.dispose();
}, 300_000);
