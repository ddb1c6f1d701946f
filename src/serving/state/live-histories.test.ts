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
  return { store, report, historyOf: liveHistories(store.events, trained) };
}

test("live events come behind those of the dataset", async () => {
  const { historyOf, report } = await opened();
  expect(await historyOf("ann")).toEqual(["a", "b"]);
  await report("c", 30);
  await report("a", 5); // of before, but not known then
  expect(await historyOf("ann")).toEqual(["a", "b", "a", "c"]);
});

test("an event that the dataset holds counts once", async () => {
  const { historyOf, report } = await opened();
  await report("b", 20);
  await report("b", 21);
  expect(await historyOf("ann")).toEqual(["a", "b", "b"]);
});

test("a user is known by a first event, and nobody else is", async () => {
  const { historyOf, report } = await opened();
  expect(await historyOf("bob")).toBeUndefined();
  await report("x", 1, "bob");
  expect(await historyOf("bob")).toEqual(["x"]);
});

test("of who was erased, the dataset's part is void, for good", async () => {
  const { historyOf, report, store } = await opened();
  await report("c", 30);
  await store.erase("ann");
  expect(await historyOf("ann")).toBeUndefined();
  await report("d", 40);
  expect(await historyOf("ann")).toEqual(["d"]);
});
