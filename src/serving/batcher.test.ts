import { describe, expect, test } from "vitest";
import { RuntimeFailure } from "../tensor/errors.ts";
import { createBatcher, type QueueOptions } from "./batcher.ts";

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Doubles numbers, in batches that are written down. */
function doubling(options: Pick<QueueOptions, "queue" | "maxWaitMs"> & { most?: number; ms?: number } = {}) {
  const { most = 4, ms = 1, ...queue } = options;
  const sizes: number[] = [];
  const run = async (questions: readonly number[]) => {
    sizes.push(questions.length);
    await pause(ms);
    if (questions.includes(13)) throw new Error("unlucky");
    return questions.map((question) => 2 * question);
  };
  return { batcher: createBatcher({ run, most, ...queue }), sizes };
}

describe("a batcher", () => {
  test("answers together what arrives together, each its own", async () => {
    const { batcher, sizes } = doubling();
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((question) => batcher.ask(question)));
    expect(answers).toEqual([2, 4, 6, 8, 10, 12]);
    expect(sizes).toEqual([4, 2]);
  });

  test("a failed batch fails only those in it", async () => {
    const { batcher } = doubling({ most: 2 });
    const answers = await Promise.allSettled([1, 13, 3].map((question) => batcher.ask(question)));
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
    expect(await batcher.ask(5)).toBe(10);
  });

  test("refuses beyond its queue, at once, and takes requests again afterwards", async () => {
    const { batcher } = doubling({ queue: 3, ms: 20 });
    const asked = [1, 2, 3].map((question) => batcher.ask(question));
    expect(batcher.full).toBe(true);
    const refusal = await Promise.race([...asked, batcher.ask(4)]).catch((error: unknown) => error);
    expect(refusal, "comes before any answer").toBeInstanceOf(RuntimeFailure);
    expect((refusal as RuntimeFailure).code).toBe("busy");
    expect(await Promise.all(asked)).toEqual([2, 4, 6]);
    expect(batcher.full).toBe(false);
    expect(await batcher.ask(4)).toBe(8);
  });

  test("keeps places for questions that are asked later, which others cannot take", async () => {
    const { batcher } = doubling({ queue: 5 });
    const busy = (error: unknown) => (error as RuntimeFailure).code;
    const first = batcher.ask(1);
    expect(() => batcher.hold(5)).toThrow("too many requests wait for the model");
    const places = batcher.hold(3);
    expect([batcher.waiting, batcher.full]).toEqual([4, false]);
    const last = batcher.ask(2);
    expect(batcher.full).toBe(true);
    expect(await batcher.ask(3).catch(busy)).toBe("busy");
    const kept = [4, 5].map((question) => places.ask(question));
    expect(batcher.waiting).toBe(5);
    expect(await Promise.all([first, last, ...kept])).toEqual([2, 4, 8, 10]);
    expect(batcher.waiting).toBe(1);
    places.release();
    places.release();
    expect(batcher.waiting).toBe(0);
  });

  test("keeps more places than it has where nobody waits", async () => {
    const { batcher } = doubling({ queue: 2 });
    const places = batcher.hold(6);
    expect(batcher.full).toBe(true);
    expect(await Promise.all([1, 2, 3].map((question) => places.ask(question)))).toEqual([2, 4, 6]);
    places.release();
    expect(batcher.full).toBe(false);
  });

  test("refuses what would wait too long, as the last batches took", async () => {
    const { batcher } = doubling({ most: 1, ms: 30, maxWaitMs: 50 });
    for (let k = 0; k < 12; k++) await batcher.ask(k); // learns that one takes 30 ms
    const asked = await Promise.allSettled(Array.from({ length: 10 }, (_, k) => batcher.ask(k)));
    const refused = asked.filter(({ status }) => status === "rejected").length;
    expect(refused).toBeGreaterThanOrEqual(5);
    expect(refused).toBeLessThan(9);
  });
});
