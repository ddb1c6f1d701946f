import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRetriever } from "../retrieval/retriever.ts";
import { scoreSource } from "../retrieval/source.ts";
import { Recommender, type RecommendRequest } from "./recommender.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";

const { recommender } = cycleRecommender();
const ids = async (request: RecommendRequest) =>
  (await recommender.recommend(request)).items.map(({ id }) => id);

describe("a history", () => {
  test("gets what follows, without the items in it, with titles and scores", async () => {
    const answer = await recommender.recommend({ history: ["a", "b"], k: 2 });
    expect(answer).toEqual({
      items: [
        { id: "c", title: "Title c", score: -1 },
        { id: "d", title: "Title d", score: -2 },
      ],
      model: "cycle@0",
    });
  });

  test("may be longer than the model uses; all of it is excluded", async () => {
    expect(await ids({ history: ["c", "a", "b", "e", "f", "a", "a"] })).toEqual(["d"]);
  });

  test("may include seen items where asked", async () => {
    expect(await ids({ history: ["e", "f"], seen: "include", k: 9 })).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("reports unknown ids once and skips them", async () => {
    const answer = await recommender.recommend({ history: ["zz", "a", "y", "zz"], k: 1 });
    expect(answer.items[0]!.id).toBe("b");
    expect(answer.unknown).toEqual(["zz", "y"]);
    expect(answer.fallback).toBeUndefined();
  });

  test("with no known id gets the popular items and is told so", async () => {
    const answer = await recommender.recommend({ history: ["zz"], k: 2, exclude: ["f"] });
    expect(answer.items.map(({ id, score }) => [id, score])).toEqual([
      ["e", 4],
      ["d", 3],
    ]);
    expect(answer).toMatchObject({ unknown: ["zz"], fallback: "popularity" });
    expect(answer.reason).toBe(
      "no item of the history is in the catalogue; these are the most popular items",
    );
  });

  test("that is empty gets the popular items", async () => {
    const answer = await recommender.recommend({ history: [], k: 1 });
    expect(answer).toMatchObject({ items: [{ id: "f" }], fallback: "popularity" });
    expect(answer.reason).toContain("the history is empty");
  });
});

describe("a user", () => {
  test("is answered by the stored history", async () => {
    expect(await ids({ user: "ann", k: 1 })).toEqual(["c"]);
  });

  test("without interactions gets the popular items", async () => {
    expect(await recommender.recommend({ user: "new", k: 1 })).toMatchObject({ fallback: "popularity" });
  });

  test("who is unknown is named", async () => {
    const message =
      'there is no user "bob" in the dataset; check the id or give a history of item ids instead';
    await expect(recommender.recommend({ user: "bob" })).rejects.toThrow(message);
  });

  test("cannot be asked for where no dataset is loaded", async () => {
    const { retriever } = cycleRecommender();
    const without = new Recommender({ retriever, items: recommender.items, model: "cycle@0" });
    await expect(without.recommend({ user: "ann" })).rejects.toThrow("no dataset is loaded");
  });
});

describe("limits", () => {
  test.each([0, -1, 1.5, 1001, Number.NaN])("k = %s is refused", async (k) => {
    await expect(recommender.recommend({ history: ["a"], k })).rejects.toThrow(
      "not a whole number from 1 to 1000",
    );
  });

  test("k larger than the catalogue gives what there is", async () => {
    expect(await ids({ history: ["a"], k: 1000 })).toHaveLength(5);
  });

  test("both or neither of history and user are refused", async () => {
    await expect(recommender.recommend({})).rejects.toThrow("either a history or a user");
    await expect(recommender.recommend({ user: "ann", history: [] })).rejects.toThrow(
      "either a history or a user",
    );
  });

  test("a model for another catalogue is refused", () => {
    const { retriever } = cycleRecommender();
    expect(() => new Recommender({ retriever, items: [], model: "m" })).toThrow(
      "scores 6 items, the list has 0",
    );
  });
});

describe("several requests", () => {
  test("together are scored in one call, as large as the model takes", async () => {
    const { recommender, scorer } = cycleRecommender({ batch: 4 });
    await recommender.recommendBatch(Array.from({ length: 10 }, () => ({ history: ["a"] })));
    expect(scorer.calls).toEqual([4, 4, 2]);
  });

  test("arriving while the model is busy go into its next call", async () => {
    const { recommender, scorer } = cycleRecommender({ batch: 4 });
    const first = recommender.recommend({ history: ["a"] });
    while (scorer.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([
      first,
      recommender.recommend({ history: ["b"] }),
      recommender.recommend({ history: ["c"] }),
    ]);
    expect(scorer.calls).toEqual([1, 2]);
  });

  test("are answered as each alone would be", async () => {
    const id = fc.constantFrom(..."abcdefxy");
    const request = fc.record({ history: fc.array(id, { maxLength: 6 }), k: fc.integer({ min: 1, max: 8 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 9 }), async (requests) => {
        const together = await recommender.recommendBatch(requests);
        const alone = [];
        for (const one of requests) alone.push(await recommender.recommend(one));
        expect(together).toEqual(alone);
      }),
      { numRuns: 20 },
    );
  });

  test("a failing model fails the requests it had, and the next call works", async () => {
    const { scorer } = cycleRecommender();
    const score = scorer.score.bind(scorer);
    let broken = true;
    const counts = recommender.items.map(({ count }) => count);
    const fragile = { ...scorer, score: (h: Parameters<typeof score>[0]) => (broken ? fail() : score(h)) };
    const one = new Recommender({
      retriever: createRetriever({ source: scoreSource(fragile), counts }),
      items: recommender.items,
      model: "m",
    });
    await expect(one.recommend({ history: ["a"] })).rejects.toThrow("broken");
    broken = false;
    expect((await one.recommend({ history: ["a"], k: 1 })).items[0]!.id).toBe("b");
  });
});

async function fail(): Promise<Float32Array> {
  throw new Error("broken");
}

describe("live items", () => {
  test("a deleted item is neither recommended nor similar, until it is put again", async () => {
    const { recommender } = cycleRecommender();
    const best = async () =>
      (await recommender.recommend({ history: ["a"], k: 9 })).items.map(({ id }) => id);
    expect(await recommender.deleteItem("b")).toBe(true);
    expect(await recommender.deleteItem("b")).toBe(false);
    expect(await best()).toEqual(["c", "d", "e", "f"]);
    expect((await recommender.similar("a")).items.map(({ id }) => id)).toEqual(["c", "d", "e", "f"]);
    await expect(recommender.similar("b")).rejects.toThrow('there is no item "b" in the catalogue');
    expect(await recommender.addItems([{ id: "b" }])).toEqual([{ added: true, recommendable: true }]);
    expect((await best())[0]).toBe("b");
  });

  test("an item that the model does not know comes last, filters see its fields, and it can be deleted", async () => {
    const { recommender } = cycleRecommender();
    const [put] = await recommender.addItems([{ id: "new", title: "New", fields: { genre: "Drama" } }]);
    expect(put).toMatchObject({ added: true, recommendable: false });
    expect(recommender.fields).toEqual(["genre"]);
    expect(recommender.item("new")).toMatchObject({ title: "New" });
    const drama = { history: ["a"], filter: { genre: ["Drama"] } };
    const last = { id: "new", title: "New", score: 0, source: "popularity" };
    expect((await recommender.recommend(drama)).items).toEqual([last]);
    expect((await recommender.recommend({ history: ["a"], k: 9 })).items.at(-1)).toEqual(last);
    await recommender.deleteItem("new");
    expect(recommender.item("new")).toBeUndefined();
  });
});

describe("diversity and filters", () => {
  test("a model without item vectors cannot diversify, and says so", async () => {
    await expect(recommender.recommend({ history: ["a"], diversity: 0.5 })).rejects.toThrow(
      "has no item vectors",
    );
    await expect(recommender.recommend({ history: ["a"], diversity: 2 })).rejects.toThrow(/diversity/);
  });

  test("a filter over an unknown field is refused before anything is computed", async () => {
    const { recommender, scorer } = cycleRecommender();
    await expect(recommender.recommend({ history: ["a"], filter: { genre: "x" } })).rejects.toThrow(
      'no field "genre"',
    );
    expect(scorer.calls).toEqual([]);
  });
});
