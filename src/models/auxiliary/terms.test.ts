import { describe, expect, it } from "vitest";
import { Graph, print, type Value } from "../../graph/graph.ts";
import { gather } from "../../graph/ops/index.ts";
import { Params } from "../../nn/params.ts";
import { evaluateReference, toNdArray } from "../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import { slopeError } from "../../testing/check-parts.ts";
import { noContent } from "../items/content.ts";
import { recipeConfig } from "../recipes.ts";
import { trainStep } from "../train-step.ts";
import { attributesTerm } from "./attributes.ts";
import { contrast } from "./contrast.ts";
import type { Auxiliary } from "./define.ts";
import { settledTerms } from "./terms.ts";

const [tokens, width] = [4, 3];
const films = [
  { id: "a", fields: { genre: ["war", "love"], maker: "X", length: 90 } },
  { id: "b", fields: { genre: ["love"], length: 100 } },
  { id: "c", fields: { genre: ["war"], maker: "Y", length: 80 } },
  { id: "d", fields: { maker: "X" } },
];
const content = {
  ...noContent({ offsets: Int32Array.of(0), sequence: new Int32Array(0) }, 4),
  items: async () => films,
};

/** Targets, how much each counts, and where items are looked at again their vectors, the same for each look. */
interface Given {
  readonly target: readonly number[];
  readonly weight: readonly number[];
  readonly vectors?: NdArray;
}

/** A term's value in float64, and the graph that it is traced in, with what it is fed. */
function value<C>(term: Auxiliary<C>, config: C, { target, weight, vectors }: Given, constants = {}) {
  const graph = new Graph();
  const table = graph.input("vectors", f32(films.length, width));
  const look = (items: Value): Value => gather(table, items);
  const input = {
    h: graph.input("h", f32(target.length, width)),
    target: graph.input("target", i32(target.length)),
    weight: graph.input("weight", f32(target.length)),
    count: films.length,
    look,
  };
  graph.output("loss", term.apply(new Params(graph).at("term"), input, config));
  const feeds = {
    h: ndarray([target.length, width], (k) => Math.sin(k + 1)),
    target: ndarray([target.length], (t) => target[t]!),
    weight: ndarray([target.length], (t) => weight[t]!),
    vectors: vectors ?? ndarray([films.length, width], (k) => Math.cos(3 * k)),
    ...constants,
  };
  const given: Record<string, NdArray> = { ...feeds };
  for (const [name, { value: declared }] of graph.params)
    given[name] ??= ndarray(declared.shape as number[], (k) => Math.sin(2 * k + name.length));
  return { loss: () => evaluateReference(graph, given).loss!.data[0]!, graph, given };
}

describe("the auxiliary term of attributes", async () => {
  const settings = attributesTerm.config.parse({ most: 2, least: 1 }) as never;
  const config = (await attributesTerm.settle!(content, settings)) as never;
  const constants = Object.entries(await attributesTerm.constants!(content, config)).map(
    ([name, tensor]) => [name, toNdArray(tensor)] as const,
  );
  const fed = Object.fromEntries(constants.map(([name, array]) => [`term.${name}`, array]));

  it("is the cross-entropy of each category by hand, over the items that have it", () => {
    const graph = new Graph();
    const p = new Params(graph).at("term");
    const input = {
      h: graph.input("h", f32(tokens, width)),
      target: graph.input("target", i32(tokens)),
      weight: graph.input("share", f32(tokens)),
      count: films.length,
      look: () => graph.input("none", f32(1)),
    };
    graph.output("loss", attributesTerm.apply(p, input, config));
    const target = [0, 1, 2, 3];
    const shares = [0.1, 0.2, 0.3, 0.4];
    const h = ndarray([tokens, width], (k) => Math.sin(k + 1));
    const w = ndarray([width, 4], (k) => Math.cos(k));
    const bias = [0.1, -0.2, 0.3, 0];
    const given = {
      h,
      target: ndarray([tokens], (t) => target[t]!),
      share: ndarray([tokens], (t) => shares[t]!),
      "term.weight": w,
      "term.bias": ndarray([4], (k) => bias[k]!),
      ...fed,
    };
    const score = (t: number, v: number): number =>
      bias[v]! + [0, 1, 2].reduce((sum, c) => sum + h.data[t * width + c]! * w.data[c * 4 + v]!, 0);
    const against = (t: number, v: number, of: readonly number[]): number =>
      Math.log(of.reduce((sum, k) => sum + Math.exp(score(t, k)), 0)) - score(t, v);
    // love and war have two items each, so they stand by name; X has two, Y one.
    const genre = (t: number, v: number): number => against(t, v, [0, 1]);
    const [love, war] = [0, 1];
    const genres =
      (0.1 * 0.5 * (genre(0, love) + genre(0, war)) + 0.2 * genre(1, love) + 0.3 * genre(2, war)) / 0.6;
    const maker = (t: number, v: number): number => against(t, v, [2, 3]);
    const makers = (0.1 * maker(0, 2) + 0.3 * maker(2, 3) + 0.4 * maker(3, 2)) / 0.8;
    const { loss } = evaluateReference(graph, given);
    expect(loss!.data[0]).toBeCloseTo(genres + makers, 10);
    expect(slopeError(graph, given, "loss")).toBeLessThan(1e-7);
  });

  it("is 0 where no next item has a category", () => {
    const nothing = { target: [3, 3], weight: [0, 0] };
    expect(value(attributesTerm, config, nothing, fed).loss()).toBeCloseTo(0, 12);
  });

  it.each([
    [["length"], 'the field "length" holds numbers'],
    [["colour"], 'the items have no field "colour"'],
  ])("refuses fields %j", async (fields, message) => {
    const asked = attributesTerm.config.parse({ fields, least: 1 }) as never;
    await expect(attributesTerm.settle!(content, asked)).rejects.toThrow(message);
  });
});

describe("the contrast of two looks", () => {
  const config = (settings: object = {}) => contrast.config.parse(settings) as never;
  const even = (n: number): number[] => Array.from({ length: n }, () => 1 / n);
  const all = { target: [0, 1, 2, 3], weight: even(4) };

  it("is ln N where no item can be told from another", () => {
    const vectors = ndarray([4, width], (k) => [1, 2, 3][k % width]!);
    expect(value(contrast, config(), { ...all, vectors }).loss()).toBeCloseTo(Math.log(4), 10);
  });

  it("of identical looks is a little below ln N where the temperature tells little apart, and near 0 where it tells all", () => {
    const warm = value(contrast, config({ temperature: 20 }), all).loss();
    expect(warm).toBeLessThan(Math.log(4));
    expect(warm).toBeGreaterThan(Math.log(4) - 0.1);
    expect(value(contrast, config({ temperature: 0.001 }), all).loss()).toBeLessThan(1e-3);
  });

  it("is InfoNCE by hand, to which the same item at another place and padding are no negatives", () => {
    const target = [0, 1, 0, 2, 3];
    const weight = [0.25, 0.25, 0.25, 0.25, 0];
    const { loss, given } = value(contrast, config({ temperature: 0.5 }), { target, weight });
    const row = (item: number): number[] => [
      ...given.vectors!.data.subarray(item * width, (item + 1) * width),
    ];
    const dot = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, v, c) => sum + v * b[c]!, 0);
    const cosine = (i: number, k: number): number =>
      dot(row(i), row(k)) / Math.sqrt(dot(row(i), row(i)) * dot(row(k), row(k)));
    const e = (i: number, k: number): number => Math.exp(cosine(i, k) / 0.5);
    const term = (i: number, negatives: readonly number[]): number =>
      Math.log(negatives.reduce((sum, k) => sum + e(i, k), e(i, i))) - 2;
    const expected = (2 * term(0, [1, 2]) + term(1, [0, 0, 2]) + term(2, [0, 1, 0])) / 4;
    expect(loss()).toBeCloseTo(expected, 10);
    const full = value(contrast, config(), { target, weight: even(5) });
    expect(slopeError(full.graph, full.given, "loss")).toBeLessThan(1e-7);
  });

  it("looks at no more items than it is told to, and is 0 where all are padding", () => {
    const some = value(contrast, config({ items: 2 }), { target: [0, 3, 1, 3], weight: [0.5, 0, 0.5, 0] });
    const two = value(contrast, config(), { target: [0, 1], weight: [0.5, 0.5] });
    expect(some.loss()).toBeCloseTo(two.loss(), 12);
    expect(value(contrast, config(), { target: [0, 0], weight: [0, 0] }).loss()).toBeCloseTo(0, 12);
  });
});

describe("terms of the loss", () => {
  const small = { "items.dim": 4, "training.maxLength": 6, "training.rowLength": 8, "loss.negatives": 16 };
  const found = [{ field: "genre", kind: "category", values: ["love", "war"] }];
  const configOf = (settings: Readonly<Record<string, unknown>>) =>
    recipeConfig({
      recipe: "m2trec",
      set: Object.entries({ ...small, "items.found": found, ...settings }).map(([path, value]) => ({
        path,
        value,
      })),
    });
  const size = { items: 20, rows: 2, width: 8 };
  const both = { "auxiliary.attributes.found": found, "auxiliary.contrast": { items: 8 } };

  it("of weight 0 leave the very graph of the recommendation's loss", () => {
    const none = trainStep(configOf({ "auxiliary.attributes": null }), size);
    const zero = trainStep(
      configOf({ "auxiliary.attributes.weight": 0, "auxiliary.contrast": { weight: 0 } }),
      size,
    );
    expect(print(zero.graph)).toBe(print(none.graph));
    expect(zero.gradients).toEqual(none.gradients);
    const traced = trainStep(configOf(both), size);
    expect(print(traced.graph)).not.toBe(print(none.graph));
    expect(traced.fedRows!.count).toBe(none.fedRows!.count);
  });

  it("add up by their weights, with the gradients of both", () => {
    const feedsOf = (graph: Graph): Record<string, NdArray> => {
      const values = [...graph.inputs, ...[...graph.params].map(([k, v]) => [k, v.value] as const)].map(
        ([name, { dtype, shape }]) => {
          const at = (k: number): number =>
            dtype === "int32"
              ? name === "segment"
                ? 1
                : k % (/^(item|target)$/.test(name) ? 5 : 2)
              : Math.abs(Math.sin(k + name.length)) + 0.1;
          return [name, ndarray(shape as number[], at)] as const;
        },
      );
      return Object.fromEntries(values);
    };
    const lossOf = (settings: object): number => {
      const { graph } = trainStep(configOf({ ...both, ...settings }), { ...size, fed: 20 });
      return evaluateReference(graph, feedsOf(graph)).loss!.data[0]!;
    };
    const weights = (attributes: number, other: number) => ({
      "auxiliary.attributes.weight": attributes,
      "auxiliary.contrast.weight": other,
    });
    const plain = lossOf(weights(0, 0));
    const [one, two] = [lossOf(weights(1, 0)) - plain, lossOf(weights(0, 1)) - plain];
    expect(one).toBeGreaterThan(0.1);
    expect(two).toBeGreaterThan(0.1);
    expect(lossOf(weights(0.5, 3))).toBeCloseTo(plain + 0.5 * one + 3 * two, 10);
    const { graph } = trainStep(configOf(both), size);
    for (const name of [...graph.outputs.keys()]) if (name !== "loss") graph.outputs.delete(name);
    expect(slopeError(graph, feedsOf(graph), "loss")).toBeLessThan(1e-6);
  });

  it("are settled by the data in order", async () => {
    const config = configOf({ "auxiliary.genres": { name: "attributes", fields: ["genre"], weight: 0.5 } });
    const settled = await settledTerms(config, content);
    expect(Object.keys(settled)).toEqual(["attributes", "genres"]);
    expect(settled.genres).toMatchObject({
      weight: 0.5,
      found: [{ field: "genre", values: ["love", "war"] }],
    });
  });

  it.each<[object, string]>([
    [{ "auxiliary.contrst.weight": 1 }, 'auxiliary.name: there is no "contrst"; the nearest is "contrast"'],
    [{ "auxiliary.a b": {} }, 'auxiliary: "a b" is no label of a term; use letters, digits, dashes and'],
    [{ "auxiliary.contrast.tau": 1 }, 'there is no setting "auxiliary.contrast.tau"'],
    [{ "auxiliary.contrast.weight": -1 }, 'setting "auxiliary.contrast.weight" cannot be -1'],
    [{ auxiliary: 3 }, 'setting "auxiliary" must be an object of settings, not 3'],
    [{ "auxiliary.contrast": 3 }, 'setting "auxiliary.contrast" must be an object of settings, not 3'],
  ])("are refused with %j", (settings, message) => {
    expect(() => configOf(settings as Record<string, unknown>)).toThrow(message);
  });

  it("are refused where nothing of the items could be lost", () => {
    const set = [{ path: "auxiliary.contrast.weight", value: 1 }];
    expect(() => recipeConfig({ recipe: "sasrec", set })).toThrow(
      'auxiliary "contrast" looks at items with some of their features lost, but items "id" with these settings has none',
    );
    expect(() => recipeConfig({ recipe: "sasrec-text", set })).not.toThrow();
  });
});
