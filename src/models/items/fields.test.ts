import { describe, expect, it } from "vitest";
import { describeFields, fieldRows, vocabularySize } from "./fields.ts";

const items = [
  { id: "a", fields: { brand: "X", tags: ["red", "big"], price: 1, code: "k1", extra: { a: 1 } } },
  { id: "b", fields: { brand: "X", tags: ["red", "red", "rare"], price: 3, code: "k2" } },
  { id: "c", fields: { tags: ["big"], price: 5, same: 7, sold: true } },
  { id: "d", fields: { sold: true, same: 7 } },
  { id: "e", fields: {} },
];
const options = { fields: [], least: 2, values: 10 };

describe("item fields", () => {
  it("are categories that items share, and numbers that differ", () => {
    expect(describeFields(items, options)).toEqual([
      { field: "brand", kind: "category", values: ["X"] },
      { field: "tags", kind: "category", values: ["big", "red"] },
      { field: "price", kind: "number", mean: 3, deviation: Math.sqrt(8 / 3) },
      { field: "sold", kind: "category", values: ["true"] },
    ]);
    expect(describeFields(items, { ...options, fields: ["tags"], values: 1 })).toEqual([
      { field: "tags", kind: "category", values: ["big"] },
    ]);
  });

  it("become entries with shares that sum to one a field, and deviations", () => {
    const fields = describeFields(items, { ...options, fields: ["brand", "tags", "price"] });
    expect(vocabularySize(fields)).toBe(2 + 3 + 1);
    const { entries, shares, numbers, present } = fieldRows(items, fields, 2);
    const rows = items.map((_, i) => [...entries.subarray(5 * i, 5 * i + 5)]);
    expect(rows).toEqual([
      [1, 0, 4, 3, 0],
      [1, 0, 4, 0, 0],
      [0, 0, 3, 0, 0],
      [0, 0, 2, 0, 5],
      [0, 0, 2, 0, 5],
    ]);
    expect([...shares.subarray(0, 10)]).toEqual([1, 0, 0.5, 0.5, 0, 1, 0, 1, 0, 0]);
    expect([...shares.subarray(15, 20)]).toEqual([1, 0, 1, 0, 1]);
    expect([...numbers].map((v) => v.toFixed(2))).toEqual(["-1.22", "0.00", "1.22", "0.00", "0.00"]);
    expect([...present]).toEqual([1, 1, 1, 0, 0]);
  });

  it("are the words of texts where that is asked for, and of titles", () => {
    const films = [
      { id: "a", title: "The Net (1995)", fields: { plot: "the net, the sea" } },
      { id: "b", title: "Sea of Love (1995)", fields: { plot: "love" } },
      { id: "c", fields: {} },
    ];
    const fields = describeFields(films, { ...options, words: ["title", "plot", "absent"], values: 2 });
    expect(fields).toEqual([{ field: "title", kind: "words", values: ["1995"] }]);
    const once = describeFields(films, { ...options, least: 1, values: 3, words: ["plot"] });
    expect(once).toEqual([{ field: "plot", kind: "words", values: ["love", "net", "sea"] }]);
    const { entries, shares, present } = fieldRows(films, once, 2);
    expect([...entries]).toEqual([2, 3, 1, 0, 0, 0]);
    expect([...shares]).toEqual([0.5, 0.5, 1, 0, 1, 0]);
    expect([...present]).toEqual([1, 1, 0]);
  });
});
