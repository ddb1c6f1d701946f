import { expect, test } from "vitest";
import { liveHistories, type TrainedHistory } from "./live-histories.ts";
import { memoryStore } from "./memory-store.ts";

const trained: TrainedHistory = (user) =>
  user === "ann" ? { items: ["a", "b"], times: Float64Array.of(10, 20) } : undefined;

async function opened() {
  const store = memoryStore();
  let id = 0;
  const report = (item: string, time: number, user = "ann") =>
    store.append([{ id: String(id++), user, item, time }]);
  const historyOf = liveHistories(store.events, trained);
  const itemsOf = async (user: string) => (await historyOf(user))?.items;
  return { store, report, itemsOf, historyOf };
}

test("live events come behind those of the dataset", async () => {
  const { itemsOf, report } = await opened();
  expect(await itemsOf("ann")).toEqual(["a", "b"]);
  await report("c", 30);
  await report("a", 5); // of before, but not known then
  expect(await itemsOf("ann")).toEqual(["a", "b", "a", "c"]);
});

test("times go with the items: none comes before the one that it follows", async () => {
  const { historyOf, report } = await opened();
  await report("c", 30);
  await report("a", 5);
  await report("x", 7, "bob");
  expect(await historyOf("ann")).toEqual({
    items: ["a", "b", "a", "c"],
    times: Float64Array.of(10, 20, 20, 30),
  });
  expect(await historyOf("bob")).toMatchObject({ items: ["x"], times: [7] });
});

test("an event that the dataset holds counts once", async () => {
  const { itemsOf, report } = await opened();
  await report("b", 20);
  await report("b", 21);
  expect(await itemsOf("ann")).toEqual(["a", "b", "b"]);
});

test("a user is known by a first event, and nobody else is", async () => {
  const { itemsOf, report } = await opened();
  expect(await itemsOf("bob")).toBeUndefined();
  await report("x", 1, "bob");
  expect(await itemsOf("bob")).toEqual(["x"]);
});

test("of who was erased, the dataset's part is void, for good", async () => {
  const { itemsOf, report, store } = await opened();
  await report("c", 30);
  await store.erase("ann");
  expect(await itemsOf("ann")).toBeUndefined();
  await report("d", 40);
  expect(await itemsOf("ann")).toEqual(["d"]);
});
