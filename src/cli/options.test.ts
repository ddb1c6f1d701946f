import { describe, expect, test } from "vitest";
import { anyNumber, readIds, readSetting, wholeNumber } from "./options.ts";
import { duration, trainingText } from "./progress.ts";

describe("--set", () => {
  test.each([
    ["training.epochs=20", "training.epochs", 20],
    ["loss.name=cross-entropy", "loss.name", "cross-entropy"],
    ["a=true", "a", true],
    ["a=[1,2]", "a", [1, 2]],
    ["a=x=y", "a", "x=y"],
    ['a="20"', "a", "20"],
    ["a=", "a", ""],
  ])("%s", (text, path, value) => {
    expect(readSetting(text)).toEqual([{ path, value }]);
  });

  test("repeats add up in order", () => {
    expect(readSetting("b=2", readSetting("a=1")).map(({ path }) => path)).toEqual(["a", "b"]);
  });

  test.each(["a", "=1", "a..b=1", ".a=1", "a b=1", "__proto__.x=1"])("%s is refused", (text) => {
    expect(() => readSetting(text)).toThrow("training.epochs=20");
  });
});

describe("ids", () => {
  test("are separated by commas and kept as they are", () => {
    expect(readIds("007,B 1,ü")).toEqual(["007", "B 1", "ü"]);
  });

  test("may be a JSON array, for ids with commas", () => {
    expect(readIds('["a,b","c"]')).toEqual(["a,b", "c"]);
  });

  test("that only look like JSON are ids", () => {
    expect(readIds("[x],[y]")).toEqual(["[x]", "[y]"]);
  });
});

test("numbers are numbers", () => {
  expect(wholeNumber(0, 9)("7")).toBe(7);
  for (const text of ["", "1.5", "1e1", " 1", "10", "0x1"])
    expect(() => wholeNumber(0, 9)(text)).toThrow("0 to 9");
  expect(anyNumber("-1.5e1")).toBe(-15);
  for (const text of ["", "x", "NaN", "Infinity"]) expect(() => anyNumber(text)).toThrow("must be a number");
});

test("durations read well", () => {
  expect([0, 59.4, 60, 3599, 3600, 7384].map(duration)).toEqual([
    "0 s",
    "59 s",
    "1 min 00 s",
    "59 min 59 s",
    "1 h 00 min",
    "2 h 03 min",
  ]);
  expect(duration(Number.NaN)).toBe("unknown time");
});

test("the training line has epoch, loss, speed, time left and validation", () => {
  const event = { kind: "epoch", epoch: 3, epochs: 60, step: 32, steps: 32, loss: 6.21234 } as const;
  const validation = { "NDCG@10": 0.05123 };
  expect(trainingText({ ...event, interactionsPerSecond: 51234.4, secondsLeft: 83, validation })).toBe(
    "epoch 3/60 · loss 6.2123 · 51,234 interactions/s · 1 min 23 s left · validation NDCG@10 0.0512",
  );
});
