import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { operatorsPage } from "../scripts/operators.ts";

describe("the page of operators", () => {
  it("is what the operators and the cases say; `npm run tables` writes it", async () => {
    const page = join(import.meta.dirname, "../../docs/operators.md");
    expect(await readFile(page, "utf8")).toBe(operatorsPage());
  });
});
