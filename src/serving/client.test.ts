import { expect, test } from "vitest";
import { createClient, ProblemError } from "../client.ts";
import { app } from "./app.ts";
import { endpoints } from "./http/endpoints.ts";
import { parseKeys } from "./http/keys.ts";
import { Recommender } from "./recommender.ts";
import { Service } from "./service.ts";
import { liveHistories } from "./state/live-histories.ts";
import { memoryStore } from "./state/memory-store.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";

async function connected(retries = 0) {
  const service = await Service.open({
    store: memoryStore(),
    async open({ events }) {
      const { recommender, retriever } = cycleRecommender();
      return new Recommender({
        retriever,
        items: recommender.items,
        model: "cycle",
        historyOf: liveHistories(events),
      });
    },
  });
  const server = app(service, { keys: parseKeys("write the-key-of-the-shop", "keys") });
  let refusals = 1;
  const fetch = async (request: Request) => {
    if (retries > 0 && refusals-- > 0)
      return new Response("{}", { status: 503, headers: { "retry-after": "0" } });
    return server.fetch(request);
  };
  return createClient({ url: "http://localhost:8787/", key: "the-key-of-the-shop", retries, fetch });
}

test("every endpoint has a method, with typed questions and answers", async () => {
  const client = await connected();
  const { health, ...others } = client;
  expect(new Set(["health", ...Object.keys(others)])).toEqual(new Set(Object.keys(endpoints)));
  expect(await health()).toEqual({ status: "ok", model: "cycle", items: 6 });
  expect(await client.events([{ user: "ü/1", item: "a" }])).toEqual({ accepted: 1, duplicates: 0 });
  expect((await client.recommend({ user: "ü/1", k: 1 })).items[0]?.id).toBe("b");
  const [known, nobody] = await client.recommendBatch([{ history: ["a"], k: 1 }, { user: "nobody" }]);
  expect(known).toMatchObject({ items: [{ id: "b" }] });
  expect(nobody).toMatchObject({ status: 404, code: "unknown-user" });
  const similar = await client.similar("a", { k: 2, exclude: ["b", "c"] });
  expect(similar.items.map(({ id }) => id)).toEqual(["d", "e"]);
  expect((await client.similar("a")).items).toHaveLength(5);
  const unfiltered = await client.similar("a", { filter: { year: { gte: 1990 } } }).catch((error) => error);
  expect(unfiltered).toMatchObject({ status: 422, code: "bad-filter" });
  await expect(client.similar("a", { diversity: 1 })).rejects.toMatchObject({ code: "no-vectors" });
  expect((await client.items("a")).items.map(({ id }) => id)).toEqual(["a"]);
  expect(await client.item("a")).toMatchObject({ id: "a", image: false, fields: {} });
  await expect(client.image("a")).rejects.toMatchObject({ status: 404, code: "no-run" });
  await expect(client.run()).rejects.toMatchObject({ status: 404, code: "no-run" });
  await expect(client.data()).rejects.toMatchObject({ status: 404, code: "no-run" });
  expect(await client.putItem("new/one", { title: "New" })).toMatchObject({ id: "new/one", added: true });
  expect(await client.deleteItem("b")).toBeUndefined();
  expect((await client.recommend({ user: "ü/1", k: 1 })).items[0]?.id).toBe("c");
  await client.deleteUser("ü/1");
  const unknown = await client.recommend({ user: "ü/1" }).catch((error: unknown) => error);
  expect(unknown).toBeInstanceOf(ProblemError);
  expect(unknown).toMatchObject({ status: 404, code: "unknown-user", errors: [] });
  await expect(client.recommend({ history: [], k: 0 })).rejects.toMatchObject({ code: "wrong-shape" });
});

test("a refusal for load is sent again", async () => {
  const client = await connected(1);
  expect(await client.health()).toMatchObject({ status: "ok" });
});
