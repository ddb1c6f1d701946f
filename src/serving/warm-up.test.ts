import { expect, test } from "vitest";
import type { Ask } from "../retrieval/retriever.ts";
import { warmUp } from "./warm-up.ts";

test("a model is asked for histories of its own items, in batches that it takes", async () => {
  const asked: Ask[][] = [];
  const retrieve = async (asks: readonly Ask[]) => {
    asked.push([...asks]);
    return [];
  };
  await warmUp({ items: 7, batch: 4, retrieve });
  expect(new Set(asked.map(({ length }) => length))).toEqual(new Set([1, 2, 4]));
  for (const { history } of asked.flat()) expect(history.every((row) => row >= 0 && row < 7)).toBe(true);
});
