import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byItem, doublingBins, longTail, spans } from "./counts.ts";
import { itemFinder } from "./find-items.ts";

describe("counts for pictures of the data", () => {
  it("puts every value into the one bin that holds it", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { minLength: 1 }), (values) => {
        for (const { from, to, count } of doublingBins(Int32Array.from(values)))
          expect(values.filter((v) => v >= from && v <= to)).toHaveLength(count);
        const total = doublingBins(Int32Array.from(values)).reduce((sum, { count }) => sum + count, 0);
        expect(total).toBe(values.length);
      }),
    );
    expect(doublingBins(Int32Array.of(1, 2, 3, 5)).map(({ from, to, count }) => [from, to, count])).toEqual([
      [1, 1, 1],
      [2, 3, 2],
      [4, 7, 1],
    ]);
  });

  it("counts every moment in one span", () => {
    expect(spans(Float64Array.of(0, 1, 5, 10), 0, 10, 2)).toEqual([
      { from: 0, count: 2 },
      { from: 5, count: 2 },
    ]);
    expect(spans(Float64Array.of(7, 7), 7, 7, 3).map(({ count }) => count)).toEqual([2, 0, 0]);
  });

  it("puts values together by item", () => {
    const timesOf = byItem(Int32Array.of(2, 0, 2), Float64Array.of(5, 6, 7), 3);
    expect([0, 1, 2].map((item) => [...timesOf(item)])).toEqual([[6], [], [5, 7]]);
  });

  it("draws the long tail from nothing to everything, most popular items first", () => {
    expect(longTail(Int32Array.of(1, 6, 2, 1), 4).map(({ interactions }) => interactions)).toEqual([
      0, 0.6, 0.8, 0.9, 1,
    ]);
  });
});

describe("items by their titles", () => {
  const items = [
    { id: "1", title: "Star Wars", count: 5 },
    { id: "2", title: "A Star Is Born", count: 9 },
    { id: "3", title: "Amélie", count: 1 },
    { id: "4", title: "Mustard", count: 99 },
    { id: "5", count: 3 },
  ];
  const find = itemFinder();
  const ids = async (query: string, limit = 10) => (await find({ items, query, limit })).map(({ id }) => id);

  it.each([
    ["star", ["1", "2", "4"]], // starts so; a word starts so; somewhere inside
    ["wars star", ["1"]],
    ["amelie", ["3"]],
    ["AMÉLIE", ["3"]],
    ["5", ["5"]],
    ["nothing", []],
    ["", ["4", "2", "1", "5", "3"]], // the most popular
  ])("finds %j", async (query, expected) => {
    expect(await ids(query)).toEqual(expected);
  });

  it("gives no more than asked for, and sees items that were put later", async () => {
    expect(await ids("star", 1)).toEqual(["1"]);
    const more = [...items, { id: "6", title: "Starship", count: 0 }];
    expect((await find({ items: more, query: "starsh", limit: 5 })).map(({ id }) => id)).toEqual(["6"]);
    const there = ({ id }: { id: string }) => id !== "1";
    expect((await find({ items, query: "star", limit: 1, there })).map(({ id }) => id)).toEqual(["2"]);
  });
});
