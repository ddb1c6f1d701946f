import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeRuntime } from "../runtime/node.ts";
import { neighbourScorer } from "./content-neighbours.ts";
import { nearContent } from "./near-content.ts";
import { type NeighbourLists, nearestTo, neighbourLists } from "./neighbour-lists.ts";

const dim = 2;
/** Unit vectors at these angles, and an item without content. */
const angles = [0, 60, 100, 200];
const present = Uint8Array.of(1, 1, 1, 1, 0);
const at = (degrees: number): number[] => [Math.cos, Math.sin].map((f) => f((degrees * Math.PI) / 180));
const values = Float32Array.from([...angles.flatMap(at), 0, 0]);
const content = { dim, values, present };
const items = present.length;
const [runtime, threads] = [nodeRuntime, 1];

const scoresOf = (
  lists: NeighbourLists,
  history: readonly number[],
  { weight = 1, decay = 0.5, rows = items } = {},
): number[] => {
  const scores = new Float32Array(rows);
  nearContent(lists, items, { weight, decay }).add(Int32Array.from(history), scores);
  return [...scores];
};

describe("neighbours by content", () => {
  it("are the nearest rows, nearest first, without the row itself and those of no likeness", async () => {
    const { rows, cosines } = await neighbourLists(content, { most: 2, runtime, threads });
    expect([...rows]).toEqual([1, -1, 2, 0, 1, -1, -1, -1, -1, -1]);
    expect(cosines[0]).toBeCloseTo(0.5, 6);
    expect(cosines[2]).toBeCloseTo(at(40)[0]!, 6);
  });

  it("are cut to so many", async () => {
    const { rows } = await neighbourLists(content, { most: 1, runtime, threads });
    expect([...rows]).toEqual([1, 2, 1, -1, -1]);
  });

  it("give scores that a hand can add: the last item counts whole, the one before by the decay", async () => {
    const lists = await neighbourLists(content, { most: 4, runtime, threads });
    // Of item 1 (the last): 0 at 60°, 2 at 40°; of item 0 before it: 1 at 60°.
    const scores = scoresOf(lists, [0, 1], { weight: 4 });
    const expected = [4 * 0.5, 4 * 0.5 * 0.5, 4 * at(40)[0]!, 0, 0];
    for (const [row, score] of expected.entries()) expect(scores[row]).toBeCloseTo(score, 5);
  });

  it("count more where they are items that training never met, and those that are put", async () => {
    const lists = await neighbourLists(content, { most: 4, runtime, threads });
    const unseen = { rows: Int32Array.of(2), times: 3 };
    const near = nearContent(lists, items, { weight: 2, decay: 0.5, unseen });
    near.put(items, nearestTo(content, 4)(Float32Array.from(at(120))));
    const scores = new Float32Array(items + 1);
    near.add(Int32Array.of(1), scores);
    const expected = [2 * at(60)[0]!, 0, 6 * at(40)[0]!, 0, 0, 6 * at(60)[0]!];
    for (const [row, score] of expected.entries()) expect(scores[row]).toBeCloseTo(score, 5);
  });

  it("whole lists say what the cosines of all items say, where these are above 0", async () => {
    const lists = await neighbourLists(content, { most: 4, runtime, threads });
    const all = await neighbourScorer(content, { runtime, decay: 0.5 });
    for (let row = 0; row < items; row++) {
      const whole = await all.score({ offsets: Int32Array.of(0, 1), items: Int32Array.of(row) });
      const scores = scoresOf(lists, [row]);
      for (let other = 0; other < items; other++)
        if (other !== row) expect(scores[other]).toBeCloseTo(Math.max(0, whole[other]!), 6);
    }
    await all.dispose();
  });

  it("of an item that is put score as if it had been there, in histories and among candidates", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 359 }), fc.nat(items), async (angle, given) => {
        const features = Float32Array.from(at(angle));
        // With the new item from the start …
        const grown = {
          dim,
          values: Float32Array.from([...values, ...features]),
          present: Uint8Array.of(...present, 1),
        };
        const lists = await neighbourLists(grown, { most: items, runtime, threads });
        const expected = new Float32Array(items + 1);
        nearContent(lists, items + 1, { weight: 1, decay: 0.5 }).add(Int32Array.of(0, given), expected);
        // … and put twice later.
        const own = nearContent(await neighbourLists(content, { most: 4, runtime, threads }), items, {
          weight: 1,
          decay: 0.5,
        });
        own.put(items, nearestTo(content, 4)(Float32Array.of(1, 1)));
        own.put(items, nearestTo(content, 4)(features));
        const scores = new Float32Array(items + 1);
        own.add(Int32Array.of(0, given), scores);
        for (const [row, score] of expected.entries()) expect(scores[row]).toBeCloseTo(score, 5);
      }),
      { numRuns: 30 },
    );
  });
});
