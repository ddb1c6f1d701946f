import { expect, test } from "vitest";
import { stream } from "./random.ts";

const DRAWS = 1 << 20;
/** Five standard deviations: a fixed seed either passes for ever or the generator is wrong. */
const SIGMA = 5;

function words(count: number, ...path: (string | number)[]): Uint32Array {
  const random = stream(7, ...path);
  return Uint32Array.from({ length: count }, () => random.word());
}

test("a stream is a function of seed, path and counter: golden values", () => {
  const random = stream(0, "golden", 3);
  expect([random.word(), random.word(), random.word(), random.word()]).toEqual(GOLDEN_WORDS);
  expect([...stream(42, "mask").fillDropoutMask(new Float32Array(12), 0.5)]).toEqual(GOLDEN_MASK);
  expect(stream(42, "normal").normal()).toBeCloseTo(GOLDEN_NORMAL, 12);
});

test("paths are told apart: order, kind, grouping, seed", () => {
  const starts = [
    stream(1),
    stream(2),
    stream(-1),
    stream(2 ** 40),
    stream(1, 1),
    stream(1, "1"),
    stream(1, "a", "b"),
    stream(1, "ab"),
    stream(1, "b", "a"),
    stream(1, ""),
    stream(1, "", ""),
    stream(1, 0),
    stream(1, 0.5),
    stream(1, 2 ** 33),
  ].map((each) => each.word());
  expect(new Set(starts).size).toBe(starts.length);
  expect(stream(1, "a", 2).word()).toBe(stream(1).at("a").at(2).word());
  const moved = stream(1, "a");
  moved.word();
  expect(moved.at("b").word()).toBe(stream(1, "a", "b").word());
});

test("every bit of a word is one half the time 1, and words are not a permutation", () => {
  const drawn = words(DRAWS, "bits");
  for (let bit = 0; bit < 32; bit++) {
    let ones = 0;
    for (const word of drawn) ones += (word >>> bit) & 1;
    expect(Math.abs(ones - DRAWS / 2)).toBeLessThan(SIGMA * Math.sqrt(DRAWS / 4));
  }
  const repeats = DRAWS - new Set(drawn).size; // expected n²/2·2⁻³² = 128
  expect(Math.abs(repeats - 128)).toBeLessThan(SIGMA * Math.sqrt(128));
});

test("words pass chi-square on their low and high bytes and on pairs of high nibbles", () => {
  const drawn = words(DRAWS, "chi");
  const low = new Float64Array(256);
  const high = new Float64Array(256);
  const pairs = new Float64Array(256);
  for (let i = 0; i < DRAWS; i++) {
    low[drawn[i]! & 255]!++;
    high[drawn[i]! >>> 24]!++;
    pairs[((drawn[i]! >>> 28) << 4) | (drawn[(i + 1) % DRAWS]! >>> 28)]!++;
  }
  for (const counts of [low, high, pairs]) {
    const expected = DRAWS / 256;
    const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(Math.abs(chi - 255)).toBeLessThan(SIGMA * Math.sqrt(2 * 255));
  }
});

test("uniform numbers have the right mean and variance and no correlation at small lags", () => {
  const random = stream(3, "uniform");
  const drawn = Float64Array.from({ length: DRAWS }, () => random.uniform() - 0.5);
  const mean = drawn.reduce((sum, value) => sum + value, 0) / DRAWS;
  expect(Math.abs(mean)).toBeLessThan(SIGMA * Math.sqrt(1 / 12 / DRAWS));
  for (const lag of [0, 1, 2, 3, 4, 7, 8, 16, 64, 1000, 65536]) {
    let sum = 0;
    for (let i = lag; i < DRAWS; i++) sum += drawn[i]! * drawn[i - lag]!;
    const correlation = (12 * sum) / (DRAWS - lag);
    if (lag === 0) expect(correlation).toBeCloseTo(1, 2);
    else expect(Math.abs(correlation)).toBeLessThan(SIGMA / Math.sqrt(DRAWS - lag));
  }
});

test("streams of neighbouring seeds, names and steps are not correlated", () => {
  const base = stream(5, "dropout", 0);
  const others = [stream(6, "dropout", 0), stream(5, "dropout", 1), stream(5, "dropouu", 0), base.at(0)];
  const first = Float64Array.from({ length: 1 << 16 }, () => base.uniform() - 0.5);
  for (const other of others) {
    const correlation =
      (12 * first.reduce((sum, value) => sum + value * (other.uniform() - 0.5), 0)) / (1 << 16);
    expect(Math.abs(correlation)).toBeLessThan(SIGMA / 256);
  }
});

test("a dropout mask keeps its share, has mean 1, is scaled by the reciprocal, and its neighbours are independent", () => {
  for (const keep of [0.1, 0.5, 0.8, 0.9]) {
    const mask = stream(9, "mask", keep).fillDropoutMask(new Float32Array(DRAWS + 1), keep);
    const kept = mask.reduce((sum, value) => sum + Number(value > 0), 0) / mask.length;
    expect(Math.abs(kept - keep)).toBeLessThan(SIGMA * Math.sqrt((keep * (1 - keep)) / DRAWS) + 2 ** -17);
    for (const value of new Set(mask)) expect(value === 0 || Math.abs(value - 1 / keep) < 1e-3).toBe(true);
    for (const lag of [1, 2, 3, 64]) {
      let both = 0;
      for (let i = lag; i < mask.length; i++) both += Number(mask[i]! > 0 && mask[i - lag]! > 0);
      const expected = keep * keep;
      expect(Math.abs(both / DRAWS - expected)).toBeLessThan(
        2 * SIGMA * Math.sqrt((expected * (1 - expected)) / DRAWS),
      );
    }
  }
  expect([...new Set(stream(1).fillDropoutMask(new Float32Array(99), 1))]).toEqual([1]);
  for (const keep of [0, -1, 1.1, Number.NaN]) {
    expect(() => stream(1).fillDropoutMask(new Float32Array(1), keep)).toThrow(
      /is not above 0 and at most 1/,
    );
  }
});

test("a mask moves the counter, so two masks of one stream differ", () => {
  const random = stream(1, "two");
  const one = [...random.fillDropoutMask(new Float32Array(64), 0.5)];
  expect(one).not.toEqual([...random.fillDropoutMask(new Float32Array(64), 0.5)]);
});

test("normal numbers have mean 0, variance 1 and normal tails", () => {
  const values = stream(11, "normal").fillNormal(new Float32Array(DRAWS));
  const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / DRAWS;
  expect(Math.abs(moment(1))).toBeLessThan(SIGMA / 1024);
  expect(Math.abs(moment(2) - 1)).toBeLessThan((SIGMA * Math.SQRT2) / 1024);
  expect(Math.abs(moment(3))).toBeLessThan((SIGMA * Math.sqrt(15)) / 1024);
  expect(Math.abs(moment(4) - 3)).toBeLessThan((SIGMA * Math.sqrt(96)) / 1024);
  const beyond = values.reduce((count, value) => count + Number(Math.abs(value) > 3), 0) / DRAWS;
  expect(Math.abs(beyond - 0.0026998)).toBeLessThan(SIGMA * Math.sqrt(0.0027 / DRAWS));
  const narrow = stream(11, "normal").fillNormal(new Float32Array(5), 0.02);
  expect(narrow[0]).toBeCloseTo(0.02 * values[0]!, 7);
});

test("a uniform fill stays inside its bounds", () => {
  const values = stream(1, "fill").fillUniform(new Float32Array(DRAWS), -1, 1);
  expect(values.every((value) => value >= -1 && value < 1)).toBe(true);
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / DRAWS)).toBeLessThan(SIGMA / 1773);
});

test("a shuffle is a permutation, and all orders of four are equally likely", () => {
  const random = stream(13, "shuffle");
  const seen = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = random.shuffle([0, 1, 2, 3]).join("");
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  expect(seen.size).toBe(24);
  const chi = [...seen.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  expect(Math.abs(chi - 23)).toBeLessThan(SIGMA * Math.sqrt(46));
  const long = random.shuffle(Int32Array.from({ length: 1000 }, (_, i) => i));
  expect([...long].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
});

test("bounded integers reach every value", () => {
  const random = stream(17, "below");
  expect(new Set(Array.from({ length: 200 }, () => random.below(5)))).toEqual(new Set([0, 1, 2, 3, 4]));
  expect(random.below(1)).toBe(0);
  expect(random.below(2 ** 32)).toBeGreaterThanOrEqual(0);
});

test("a seed that is not an integer is refused", () => {
  expect(() => stream(0.5)).toThrow("seed: 0.5 is not an integer");
});

const GOLDEN_WORDS = [1846106050, 4137169990, 3958132377, 290854366];
const GOLDEN_MASK = [2, 2, 2, 2, 2, 0, 0, 0, 0, 2, 0, 0];
const GOLDEN_NORMAL = -0.13217307497969571;
