import { describe, expect, it } from "vitest";
import { exactIndex } from "./exact-index.ts";
import { recallOn } from "./recall.ts";
import type { Histories } from "./scorer.ts";
import { userSample } from "./user-sample.ts";
import { createVectorTable } from "./vector-table.ts";

/** A model whose state is the number of rows of a history, its last row, and when it is asked. */
function counting() {
  const calls: number[] = [];
  const encode = async ({ offsets, items, times }: Histories) => {
    calls.push(offsets.length - 1);
    return Float32Array.from({ length: 3 * (offsets.length - 1) }, (_, at) => {
      const q = Math.floor(at / 3);
      const end = offsets[q + 1]!;
      return [end - offsets[q]!, items[end - 1]!, times?.asked[q] ?? -1][at % 3]!;
    });
  };
  return { calls, encode };
}

/** User u has met the rows u, u + 1 and u + 2, at the times 10 u, 10 u + 1 and 10 u + 2. */
const world = (users: number) => ({
  offsets: Int32Array.from({ length: users + 1 }, (_, user) => 3 * user),
  sequence: Int32Array.from({ length: 3 * users }, (_, at) => Math.floor(at / 3) + (at % 3)),
  times: Float64Array.from({ length: 3 * users }, (_, at) => 10 * Math.floor(at / 3) + (at % 3)),
});

describe("the states of users", () => {
  it("are those of every user where there are few, as of their last interaction", async () => {
    const { calls, encode } = counting();
    const options = { interactions: world(3), encode, maxLength: 2, usable: () => true };
    const sample = (await userSample(options))!;
    expect(sample.origin).toBe("users");
    expect([...sample.states]).toEqual([2, 2, 2, 2, 3, 12, 2, 4, 22]);
    expect(sample.excluded!.map((rows) => [...rows])).toEqual([
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
    ]);
    expect(calls).toEqual([3]);
  });

  it("are those of 256 different users of many, from all over the list, the same each time", async () => {
    const { calls, encode } = counting();
    const options = { interactions: world(10_000), encode, maxLength: 50, usable: () => true };
    const sample = (await userSample(options))!;
    expect(await userSample(options)).toEqual(sample);
    const users = sample.excluded!.map(([first]) => first!);
    expect(new Set(users).size).toBe(256);
    expect(users).toEqual([...users].sort((a, b) => a - b));
    expect([users[0]! < 100, users.at(-1)! > 9_900]).toEqual([true, true]);
    expect(calls).toEqual([64, 64, 64, 64, 64, 64, 64, 64]);
  });

  it("pass over rows that the model does not know, and users who have no other", async () => {
    const { encode } = counting();
    const options = { interactions: world(3), encode, maxLength: 5, usable: (row: number) => row === 3 };
    const sample = (await userSample(options))!;
    expect(sample.excluded!.map((rows) => [...rows])).toEqual([[3], [3]]);
    expect(await userSample({ ...options, usable: () => false })).toBeUndefined();
    expect(await userSample({ ...options, interactions: world(0) })).toBeUndefined();
  });
});

describe("recall on a sample", () => {
  const table = createVectorTable({
    dim: 1,
    vectors: Float32Array.of(1, 2, 3, 4, 5, 6),
    similarity: "dot",
  });

  it("counts what an index finds of the best that are not excluded", async () => {
    const exact = await exactIndex(table);
    const sample = {
      origin: "users",
      states: Float32Array.of(1, 1),
      excluded: [Int32Array.of(5), Int32Array.of()],
    } as const;
    const measure = await recallOn(sample, exact, table, 2);
    expect(await measure(exact)).toBe(1);
    const blind = {
      ...exact,
      search: async (...given: Parameters<typeof exact.search>) =>
        (await exact.search(...given)).map(({ rows, scores }) => ({
          rows: rows.slice(0, 1),
          scores: scores.slice(0, 1),
        })),
    };
    expect(await measure(blind)).toBe(0.5);
    const seeing = {
      ...exact,
      search: (states: Float32Array, questions: Parameters<typeof exact.search>[1]) =>
        exact.search(
          states,
          questions.map((question) => ({ ...question, excluded: new Set([4, 5]) })),
        ),
    };
    expect(await measure(seeing)).toBe(0.25);
    await exact.dispose();
  });
});
