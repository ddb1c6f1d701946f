import { describe, expect, it } from "vitest";
import { words } from "./words.ts";

describe("words", () => {
  it.each([
    ["OPI Nail-Lacquer, 0.5 OZ!", ["opi", "nail", "lacquer", "0", "5", "oz"]],
    ["ＦＵＬＬ ﬁne e\u0301té", ["full", "fine", "été"]],
    ["Красная Москва", ["красная", "москва"]],
    ["中文书名", ["中文", "书名"]],
    ["ชุดว่ายน้ำ สีแดง", ["ชุด", "ว่าย", "น้ำ".normalize("NFKC"), "สี", "แดง"]],
    ["كتاب جديد", ["كتاب", "جديد"]],
    ["नमस्ते दुनिया", ["नमस्ते", "दुनिया"]],
    ["🙂 — …", []],
  ])("of %s", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it("are cut where they are no words", () => {
    expect(words("x".repeat(100_000))).toEqual(["x".repeat(64)]);
  });

  it("of 100,000 characters of a script without spaces come in less than two seconds", () => {
    const start = performance.now();
    expect(words("中文书名".repeat(25_000)).length).toBeGreaterThan(40_000);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
