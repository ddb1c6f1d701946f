import { describe, expect, test, vi } from "vitest";
import type { Retriever } from "../retrieval/retriever.ts";
import { app } from "./app.ts";
import { Recommender } from "./recommender.ts";
import type { RecommendAnswer } from "./schemas.ts";
import { Service } from "./service.ts";
import { liveHistories } from "./state/live-histories.ts";
import { memoryStore } from "./state/memory-store.ts";
import type { ItemChange } from "./state/store.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";

/** A service in the cycle world whose model can be exchanged; "ann" is a user of its dataset. */
async function cycleService() {
  const scorers: ReturnType<typeof cycleRecommender>["scorer"][] = [];
  let fails = false;
  const service = await Service.open({
    store: memoryStore(),
    async open({ events, queue }) {
      if (fails) throw new Error("the run is broken");
      const { recommender, scorer, retriever } = cycleRecommender();
      scorers.push(scorer);
      const trained = (user: string) => (user === "ann" ? { items: ["a", "b"] } : undefined);
      return new Recommender({
        retriever,
        items: recommender.items,
        model: `cycle@${scorers.length}`,
        historyOf: liveHistories(events, trained),
        queue,
      });
    },
  });
  const server = app(service);
  const send = (method: string, path: string, body?: unknown) =>
    server.request(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const recommended = async (user: string, k = 6): Promise<string[]> => {
    const answer = await send("POST", "/v1/recommend", { user, k });
    return ((await answer.json()) as RecommendAnswer).items.map(({ id }) => id);
  };
  return {
    service,
    scorers,
    send,
    recommended,
    breakRun: () => {
      fails = true;
    },
  };
}

describe("events", () => {
  test("are seen by the next request of their user", async () => {
    const { send, recommended } = await cycleService();
    expect((await send("POST", "/v1/recommend", { user: "zoe" })).status).toBe(404);
    for (const [item, next] of ["cd", "de", "ef", "ab"]) {
      const answer = await send("POST", "/v1/events", { events: [{ user: "zoe", item }] });
      expect(await answer.json()).toEqual({ accepted: 1, duplicates: 0 });
      const items = await recommended("zoe");
      expect(items[0]).toBe(next);
      expect(items).not.toContain(item);
    }
    expect(await recommended("ann")).toEqual(["c", "d", "e", "f"]);
  });

  test("of one id count once", async () => {
    const { send } = await cycleService();
    const event = { id: "once", user: "zoe", item: "c" };
    await send("POST", "/v1/events", { events: [event] });
    const again = await send("POST", "/v1/events", { events: [event, { ...event, id: "twice" }] });
    expect(await again.json()).toEqual({ accepted: 2, duplicates: 1 });
  });

  test("of unknown items are stored and named, and count once the item is there", async () => {
    const { send, service } = await cycleService();
    const answer = await send("POST", "/v1/events", { events: [{ user: "zoe", item: "new film" }] });
    expect(await answer.json()).toEqual({ accepted: 1, duplicates: 0, unknownItems: ["new film"] });
    expect((await service.store.events("zoe")).items).toEqual(["new film"]);
    await send("PUT", "/v1/items/new%20film", { title: "New" });
    const later = await send("POST", "/v1/events", { events: [{ user: "zoe", item: "new film" }] });
    expect(await later.json()).toEqual({ accepted: 1, duplicates: 0 });
  });
});

test("a user whose id no storage can hold is unknown", async () => {
  const { send, service } = await cycleService();
  service.store.events = () => Promise.reject(new Error("the storage was asked"));
  for (const user of ["nul\0", "half \ud800"])
    expect((await send("POST", "/v1/recommend", { user })).status).toBe(404);
});

describe("items", () => {
  test("that are deleted are recommended to nobody, until they are put again", async () => {
    const { send, recommended } = await cycleService();
    expect((await send("DELETE", "/v1/items/c")).status).toBe(204);
    expect(await recommended("ann")).toEqual(["d", "e", "f"]);
    expect((await send("DELETE", "/v1/items/c")).status).toBe(204);
    const put = await send("PUT", "/v1/items/c", { title: "Again", fields: { year: 1999 } });
    expect(await put.json()).toEqual({ id: "c", added: true, recommendable: true });
    expect(await recommended("ann")).toEqual(["c", "d", "e", "f"]);
    const changed = await send("PUT", "/v1/items/c", {});
    expect(await changed.json()).toEqual({ id: "c", added: false, recommendable: true });
  });

  test("are changed one after the other; what is too much is refused at once, and nothing of it is kept", async () => {
    const store = memoryStore();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const shut = { ...store, changeItem: (change: ItemChange) => gate.then(() => store.changeItem(change)) };
    const { recommender } = cycleRecommender();
    const service = await Service.open({ store: shut, changes: 3, open: async () => recommender });
    const server = app(service);
    const put = (id: string) => server.request(`/v1/items/${id}`, { method: "PUT", body: "{}" });
    const waiting = [put("x"), server.request("/v1/items/a", { method: "DELETE" }), put("y")];
    while (!service.changesFull) await new Promise((resolve) => setImmediate(resolve));
    const remove = (path: string) => server.request(path, { method: "DELETE" });
    for (const refused of [await put("z"), await remove("/v1/items/b"), await remove("/v1/users/ann")]) {
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await refused.json()).toMatchObject({ code: "busy", detail: expect.stringMatching(/^[^.]+$/) });
    }
    await expect(service.putItem({ id: "z", fields: {} })).rejects.toThrow("too many changes wait");
    expect(
      (await server.request("/v1/recommend", { method: "POST", body: '{"history":["a"]}' })).status,
    ).toBe(200);
    open();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 204, 200]);
    expect((await put("z")).status).toBe(200);
    const ids = (await store.itemChanges()).map((change) =>
      change.kind === "put" ? change.item.id : `no ${change.id}`,
    );
    expect(ids.sort()).toEqual(["no a", "x", "y", "z"]);
  });

  test("have any id", async () => {
    const { send, service } = await cycleService();
    for (const id of ["a/b", "100%", "%2F", "../../etc/passwd", "<b>", "ü ☃", "?x=1#y"]) {
      const answer = await send("PUT", `/v1/items/${encodeURIComponent(id)}`, { title: id });
      expect(await answer.json()).toMatchObject({ id, added: true });
      expect(service.recommender.item(id)?.title).toBe(id);
    }
  });
});

test("an erased user is unknown, what the dataset holds included, and may come back", async () => {
  const { send, recommended } = await cycleService();
  await send("POST", "/v1/events", { events: [{ user: "ann", item: "c" }] });
  expect((await send("DELETE", "/v1/users/ann")).status).toBe(204);
  expect((await send("POST", "/v1/recommend", { user: "ann" })).status).toBe(404);
  expect((await send("DELETE", "/v1/users/never-there")).status).toBe(204);
  await send("POST", "/v1/events", { events: [{ user: "ann", item: "e" }] });
  expect(await recommended("ann")).toEqual(["f", "a", "b", "c", "d"]);
});

describe("a reload", () => {
  test("changes the model without failing a request, and keeps what happened", async () => {
    const { send, recommended, scorers } = await cycleService();
    await send("DELETE", "/v1/items/d");
    await send("POST", "/v1/events", { events: [{ user: "zoe", item: "c" }] });
    let running = true;
    const statuses = new Set<number>();
    const load = async () => {
      while (running) statuses.add((await send("POST", "/v1/recommend", { history: ["a"] })).status);
    };
    const loads = [load(), load(), load()];
    for (let round = 2; round <= 6; round++) {
      const answer = await send("POST", "/v1/admin/reload");
      expect(await answer.json()).toEqual({ model: `cycle@${round}`, previous: `cycle@${round - 1}` });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    running = false;
    await Promise.all(loads);
    expect([...statuses]).toEqual([200]);
    expect(scorers.map(({ disposed }) => disposed)).toEqual([true, true, true, true, true, false]);
    expect(await recommended("zoe")).toEqual(["e", "f", "a", "b"]);
  });

  test("that fails leaves the model of before", async () => {
    const { send, breakRun, scorers } = await cycleService();
    breakRun();
    expect((await send("POST", "/v1/admin/reload")).status).toBe(500);
    expect((await send("POST", "/v1/recommend", { history: ["a"] })).status).toBe(200);
    expect(scorers[0]!.disposed).toBe(false);
  });

  test("needs a run folder", async () => {
    const answer = await app(cycleRecommender().recommender).request("/v1/admin/reload", { method: "POST" });
    expect(answer.status).toBe(409);
  });
});

test("what is too much is refused at once, and what was accepted is answered", async () => {
  const {
    recommender: { items },
    retriever,
  } = cycleRecommender();
  const slow = { ...retriever, batch: 1 };
  const recommender = new Recommender({ retriever: slow, items, model: "m", queue: { queue: 5 } });
  const server = app(recommender);
  const order: number[] = [];
  const ask = async () => {
    const answer = await server.request("/v1/recommend", { method: "POST", body: '{"history":["a"]}' });
    if (answer.status === 503) expect(answer.headers.get("retry-after")).toBe("1");
    order.push(answer.status);
    return answer.status;
  };
  await Promise.all(Array.from({ length: 100 }, ask));
  expect(new Set(order)).toEqual(new Set([200, 503]));
  expect(order.lastIndexOf(503)).toBeLessThan(order.lastIndexOf(200)); // nobody waited for a refusal
  expect(await ask()).toBe(200);
});

test("a batch counts as its requests in the queue: there is place for all of it, or it is refused", async () => {
  const {
    recommender: { items },
    retriever,
  } = cycleRecommender();
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const shut: Retriever = {
    ...retriever,
    batch: 1,
    retrieve: (asks) => gate.then(() => retriever.retrieve(asks)),
  };
  const recommender = new Recommender({ retriever: shut, items, model: "m", queue: { queue: 40 } });
  const server = app(recommender);
  const send = (path: string, body: unknown) =>
    server.request(path, { method: "POST", body: JSON.stringify(body) });
  const ask = () => send("/v1/recommend", { history: ["a"] });
  const batch = (count: number) =>
    send("/v1/recommend/batch", { requests: Array(count).fill({ history: ["a"] }) });
  const waiting = (count: number) =>
    vi.waitFor(() => expect(recommender.load.waiting).toBe(count), { timeout: 10_000 });
  const first = ask();
  await waiting(0); // it is with the model
  const second = ask();
  await waiting(1);
  const large = batch(30);
  await waiting(31);
  const refused = await batch(10);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  const small = batch(9);
  await waiting(40);
  expect((await ask()).status).toBe(503);
  open();
  for (const answer of await Promise.all([first, second, large, small])) expect(answer.status).toBe(200);
  expect(((await (await large).json()) as { answers: object[] }).answers).toHaveLength(30);
  expect(recommender.load).toEqual({ waiting: 0, full: false });
});

test("the metrics count, and hold no ids", async () => {
  const { send } = await cycleService();
  await send("POST", "/v1/recommend", { history: [] });
  await send("POST", "/v1/recommend", { user: "ann" });
  await send("DELETE", "/v1/users/somebody-secret");
  await send("GET", "/nothing/here");
  await send("POST", "/v1/events", {
    events: [
      { id: "x", user: "ann", item: "c" },
      { id: "x", user: "ann", item: "c" },
    ],
  });
  const text = await (await send("GET", "/metrics")).text();
  expect(text).toContain(
    'sequitur_request_seconds_count{method="POST",route="/v1/recommend",status="200"} 2',
  );
  expect(text).toContain('route="/v1/users/:id",status="204"} 1');
  expect(text).toContain('sequitur_request_seconds_count{method="GET",route="other",status="404"} 1');
  expect(text).toContain('sequitur_fallbacks_total{fallback="popularity"} 1');
  expect(text).toContain("sequitur_batch_size_count 2");
  expect(text).toContain("sequitur_queue_length 0");
  expect(text).toContain('sequitur_events_total{result="duplicate"} 1');
  expect(text).toContain('sequitur_info{model="cycle@1",data="unknown",version="0",store="memory"} 1');
  expect(text).not.toContain("somebody-secret");
});
