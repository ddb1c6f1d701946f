import fc from "fast-check";
import { expect, test } from "vitest";
import type { Cases, Sequences } from "./sequences.ts";
import { globalTime, leaveOneOut } from "./split.ts";

const events = fc.array(
  fc.array(fc.record({ item: fc.nat({ max: 50 }), time: fc.nat({ max: 30 }) }), { maxLength: 8 }),
  { maxLength: 12 },
);

function input(users: readonly (readonly { item: number; time: number }[])[]) {
  const sorted = users.map((list) => [...list].sort((a, b) => a.time - b.time));
  const offsets = new Int32Array(sorted.length + 1);
  sorted.forEach((list, user) => {
    offsets[user + 1] = offsets[user]! + list.length;
  });
  const flat = sorted.flat();
  const times = Float64Array.from(flat, (event) => event.time);
  return { offsets, sequence: Int32Array.from(flat, (event) => event.item), times, sorted };
}

const listOf = ({ offsets, sequence }: Sequences, index: number) => [
  ...sequence.slice(offsets[index], offsets[index + 1]),
];
const historyOf = (cases: Cases, index: number) => [
  ...cases.history.slice(cases.offsets[index], cases.offsets[index + 1]),
];

test("leave-one-out: training + validation target + test target = the user's whole history", () => {
  fc.assert(
    fc.property(events, (users) => {
      const data = input(users);
      const split = leaveOneOut(data);
      expect(split.test.users).toEqual(split.validation.users);
      data.sorted.forEach((list, user) => {
        const items = list.map((event) => event.item);
        const index = split.test.users.indexOf(user);
        expect(index >= 0).toBe(items.length >= 3);
        expect(listOf(split.training, user)).toEqual(index < 0 ? items : items.slice(0, -2));
        if (index < 0) return;
        expect(historyOf(split.validation, index)).toEqual(items.slice(0, -2));
        expect(split.validation.target[index]).toBe(items.at(-2));
        expect(historyOf(split.test, index)).toEqual(items.slice(0, -1));
        expect(split.test.target[index]).toBe(items.at(-1));
      });
    }),
  );
});

test("global time: histories are exactly what came before the cut, targets the first after it, ties never straddle", () => {
  const cases = (
    cases: Cases,
    sorted: readonly (readonly { item: number; time: number }[])[],
    from: number,
    to: number,
  ) => {
    sorted.forEach((list, user) => {
      const before = list.filter((event) => event.time < from).map((event) => event.item);
      const target = list.find((event) => event.time >= from);
      const expected = before.length > 0 && target !== undefined && target.time < to;
      const index = cases.users.indexOf(user);
      expect(index >= 0).toBe(expected);
      if (!expected) return;
      expect(historyOf(cases, index)).toEqual(before);
      expect(cases.target[index]).toBe(target.item);
    });
  };
  let tested = 0;
  fc.assert(
    fc.property(events, (users) => {
      const data = input(users);
      let split: ReturnType<typeof globalTime>;
      try {
        split = globalTime(data, { validationFraction: 0.2, testFraction: 0.3 });
      } catch (error) {
        expect(String(error)).toMatch(
          /nothing is left for (training|validation|test); choose other fractions/,
        );
        return;
      }
      tested++;
      const cuts = split.cuts!;
      expect(cuts.validation).toBeLessThan(cuts.test);
      data.sorted.forEach((list, user) => {
        const before = list.filter((event) => event.time < cuts.validation).map((event) => event.item);
        expect(listOf(split.training, user)).toEqual(before);
      });
      cases(split.validation, data.sorted, cuts.validation, cuts.test);
      cases(split.test, data.sorted, cuts.test, Number.POSITIVE_INFINITY);
    }),
    { numRuns: 300, seed: 5 },
  );
  expect(tested).toBeGreaterThan(100);
});

test("global time puts the wished shares after the cuts", () => {
  const users = Array.from({ length: 10 }, (_, u) =>
    Array.from({ length: 100 }, (_, i) => ({ item: u, time: i * 10 + u })),
  );
  const { cuts } = globalTime(input(users), { validationFraction: 0.1, testFraction: 0.2 });
  expect(cuts).toEqual({ validation: 700, test: 800 });
});

test("global time refuses a dataset without times and impossible fractions", () => {
  const { offsets, sequence, times } = input([[{ item: 1, time: 1 }]]);
  const fractions = { validationFraction: 0.1, testFraction: 0.1 };
  expect(() => globalTime({ offsets, sequence }, fractions)).toThrow(
    "global-time split: this dataset has no times, only an order; use leave-one-out",
  );
  for (const bad of [
    { testFraction: 0 },
    { validationFraction: -1 },
    { testFraction: 0.9 },
    { testFraction: Number.NaN },
  ]) {
    expect(() => globalTime({ offsets, sequence, times }, { ...fractions, ...bad })).toThrow(
      /both fractions must be above 0/,
    );
  }
});
