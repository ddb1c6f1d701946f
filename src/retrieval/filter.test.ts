import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAttributes } from "./attributes.ts";
import { hasBit } from "./bits.ts";
import { type Filter, parseFilter } from "./filter.ts";

const items = [
  { genre: "Drama|Comedy", year: "1994", price: 3.5, tags: ["a", "b"] },
  { genre: "Comedy", year: "2001", description: "x".repeat(400) },
  { genre: "Horror", year: "", sold: true },
  {},
];
const rowsOf = (filter: unknown, attributes = createAttributes(items)): number[] => {
  const bits = attributes.allowed(parseFilter(filter, attributes.fields));
  return items.map((_, row) => row).filter((row) => hasBit(bits, row));
};

describe("a filter", () => {
  it.each([
    [{ genre: { in: ["Drama", "Horror"] } }, [0, 2]],
    [{ genre: { nin: ["Drama"] } }, [1, 2, 3]],
    [{ genre: "Comedy" }, [0, 1]],
    [{ genre: ["Comedy"] }, [0, 1]],
    [{ genre: { ne: "Comedy" }, year: { exists: true } }, []],
    [{ year: { gte: 1994 } }, [0, 1]],
    [{ year: { gt: 1994 } }, [1]],
    [{ year: { lt: "2000" } }, [0]],
    [{ year: { lte: 2001, gt: 1994 } }, [1]],
    [{ year: { eq: 1994 } }, [0]],
    [{ year: { exists: false } }, [2, 3]],
    [{ price: { gt: 3 }, tags: "b" }, [0]],
    [{ sold: true }, [2]],
    [{ genre: { gt: "Drama" } }, [2]],
    [{ genre: { gt: 5 } }, []],
    [{ description: { exists: true } }, [1]],
    [{ description: "x".repeat(400) }, []],
    [{ genre: { in: [] } }, []],
    [{}, [0, 1, 2, 3]],
  ])("%j allows the rows %j", (filter, rows) => {
    expect(rowsOf(filter)).toEqual(rows);
  });

  it.each([
    [{ genr: "x" }, 'filter: items have no field "genr"; the nearest is "genre"; there are: genre, year'],
    [{ year: { gtee: 1 } }, 'filter: year: there is no operator "gtee"; the nearest is "gte"'],
    [{ year: { in: 1 } }, "filter: year.in: 1 is not a list of texts, numbers or booleans"],
    [{ year: { exists: 1 } }, "filter: year.exists: 1 is not true or false"],
    [{ year: { gt: true } }, "filter: year.gt: true is not a number or a text"],
    [{ year: null }, "filter: year.eq: null is not a text, a number or a boolean"],
    ["year", "filter: give an object"],
    [[], "filter: give an object"],
  ])("%j is refused", (filter, message) => {
    expect(() => parseFilter(filter, ["genre", "year"])).toThrow(message);
  });

  it("says where nothing can be filtered", () => {
    expect(() => parseFilter({ year: 1 }, [])).toThrow("import items with --items and train again");
  });

  it("names the condition that removes a row, and what the row has", () => {
    const attributes = createAttributes(items);
    const filter = parseFilter({ genre: "Comedy", year: { lt: 2000 } }, attributes.fields);
    expect(attributes.removal(0, filter)).toBeUndefined();
    expect(attributes.removal(1, filter)).toEqual({
      field: "year",
      operator: "lt",
      operand: 2000,
      values: ["2001"],
    });
  });

  it("sees rows that are put while its bits are kept", () => {
    const attributes = createAttributes(items);
    const filter = parseFilter({ genre: "Comedy" }, attributes.fields);
    attributes.allowed(filter);
    attributes.put(3, { genre: ["Comedy", "New"] });
    attributes.put(40, { genre: "Comedy", colour: "red" });
    attributes.put(0, {});
    const bits = attributes.allowed(filter);
    expect([0, 1, 3, 39, 40].map((row) => hasBit(bits, row))).toEqual([false, true, true, false, true]);
    expect(attributes.fields).toContain("colour");
  });

  it("allows what each of its conditions allows", () => {
    const condition = fc.record({
      field: fc.constantFrom("genre", "year", "price"),
      operator: fc.constantFrom("eq", "ne", "gt", "lte", "in"),
      operand: fc.constantFrom("Comedy", 1994, 3.5),
    });
    const attributes = createAttributes(items);
    const allowed = (filter: Filter, row: number) => hasBit(attributes.allowed(filter), row);
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 4 }), fc.nat(3), (conditions, row) => {
        const filter = conditions.map((one) => ({
          ...one,
          operand: one.operator === "in" ? [one.operand] : one.operand,
        }));
        expect(allowed(filter as Filter, row)).toBe(filter.every((one) => allowed([one] as Filter, row)));
      }),
    );
  });
});
