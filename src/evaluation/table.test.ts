import { expect, test } from "vitest";
import { formatTable } from "./table.ts";

test("a row stays on its line, whatever its cells hold", () => {
  const text = formatTable(["", "n"], [["a\nb \u001b[31mc", "1"]]);
  expect(text).toBe("            n\na b  [31mc  1");
});
