import { expect, it } from "vitest";
import { missingOf } from "./report.ts";

it("a report counts all items without content and names the first hundred", () => {
  const ids = Array.from({ length: 300 }, (_, k) => `i${k}`);
  const { missing, missingItems } = missingOf(ids, (row) => row % 2 === 1);
  expect(missing).toBe(150);
  expect(missingItems).toHaveLength(100);
  expect([missingItems[0], missingItems[99]]).toEqual(["i1", "i199"]);
});
