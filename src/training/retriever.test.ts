import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { FeatureTable } from "../data/features.ts";
import { writeTensors } from "../data/tensors.ts";
import { type OpenRun, runFiles } from "../evaluation/run-folder.ts";
import type { RecipeConfig } from "../models/config.ts";
import { recipeConfig } from "../models/recipes.ts";
import { trainStep } from "../models/train-step.ts";
import { describeIndex } from "../retrieval/build-index.ts";
import { packHistories } from "../retrieval/histories.ts";
import { modelScorer } from "../retrieval/model-scorer.ts";
import { fitPrior } from "../retrieval/prior.ts";
import { createRanker } from "../retrieval/rank.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import type { IndexKind } from "../retrieval/vector-index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { stream } from "../tensor/random.ts";
import type { Tensor } from "../tensor/spec.ts";
import { openRetriever } from "./open-retriever.ts";

const items = 60;
const counts = Int32Array.from({ length: items }, (_, row) => row);
const fields = Array.from({ length: items }, (_, row) => ({ even: row % 2 === 0, year: String(1950 + row) }));

/** Features of the items, the last of which has none. */
const features: FeatureTable = {
  name: "text",
  dim: 3,
  values: Float32Array.from({ length: 3 * items }, (_, at) => (at < 3 * items - 3 ? Math.sin(at * at) : 0)),
  present: Uint8Array.from({ length: items }, (_, row) => Number(row < items - 1)),
  source: {},
  contentHash: "",
};

interface World {
  readonly config: RecipeConfig;
  readonly params: Record<string, Tensor>;
  readonly run: OpenRun;
}

/** A run of random weights, far from uniform scores. */
async function worldOf(root: string, name: string, set: Record<string, unknown>): Promise<World> {
  const settings = {
    "items.dim": 8,
    "training.maxLength": 6,
    "training.rowLength": 8,
    "backbone.heads": 2,
    ...set,
  };
  const config = recipeConfig({ set: Object.entries(settings).map(([path, value]) => ({ path, value })) });
  const { params: declared } = trainStep(config, { items, rows: 1, width: config.training.rowLength });
  const weights = declared.initialize(1);
  for (const [param, { data }] of Object.entries(weights))
    stream(2, param).fillNormal(data as Float32Array, 0.5);
  const sequence = Int32Array.from({ length: 600 }, (_, at) => (at * at + (at >> 3)) % items);
  const offsets = Int32Array.from({ length: 101 }, (_, user) => user * 6);
  const sequences = { offsets, sequence };
  const content = { features: async () => features };
  const data = { sequences, count: items, content, runtime: nodeRuntime, threads: 1 };
  const params = { ...weights, ...(await fitPrior(config, data)) };
  const directory = await mkdtemp(join(root, name));
  await writeTensors(join(directory, runFiles.weights), params);
  await writeFile(join(directory, runFiles.fields), fields.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const manifest = { config, files: { [runFiles.fields]: "0" } } as unknown as OpenRun["manifest"];
  const list = Array.from(counts, (count, row) => ({ id: `i${row}`, count }));
  return { config, params, run: { directory, manifest, items: list } };
}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sequitur-retriever-"));
});
afterAll(() => rm(root, { recursive: true }));

const history = fc.uniqueArray(fc.nat(items - 1), { minLength: 1, maxLength: 10 });

describe("the recall of an index", () => {
  const interactions = {
    offsets: Int32Array.from({ length: 401 }, (_, user) => 4 * user),
    sequence: Int32Array.from({ length: 1600 }, (_, at) => (7 * at + (at >> 4)) % items),
  };
  const reportOf = async (set: Record<string, unknown>, given?: typeof interactions) => {
    const { run } = await worldOf(root, "recall", set);
    const retriever = await openRetriever(run, { index: "int8", threads: 1, interactions: given });
    await retriever.dispose();
    return retriever.report!;
  };

  it("is measured on histories of users, the same ones each time", async () => {
    const reports = [await reportOf({}, interactions), await reportOf({}, interactions)];
    for (const { measuredOn, recall } of reports) {
      expect(measuredOn).toEqual({ origin: "users", states: 256 });
      expect(recall).toBe(reports[0]!.recall);
      expect(recall).toBeGreaterThan(0.95);
    }
    expect(describeIndex(reports[0]!)).toMatch(
      /^search: int8, recall@10 [01]\.\d{4} against exact search for 256 users, /,
    );
  });

  it("is measured on made-up states where there are no users, or the index is not asked for histories", async () => {
    const madeUp = { origin: "made-up", states: 64 };
    const alone = await reportOf({});
    expect(alone.measuredOn).toEqual(madeUp);
    expect(describeIndex(alone)).toContain(" against exact search for 64 made-up questions, ");
    expect((await reportOf(joined, interactions)).measuredOn).toEqual(madeUp);
    const nobody = { offsets: new Int32Array(3), sequence: new Int32Array(0) };
    expect((await reportOf({}, nobody)).measuredOn).toEqual(madeUp);
  });
});

const joined = { "scoring.prior": "markov", "scoring.priorWeight": 2, "scoring.neighbourWeight": 9 };

describe.each([
  ["cosine", {}],
  ["dot", { "scoring.similarity": "dot" }],
  ["separate cosine", { "scoring.output": "separate" }],
  ["separate dot", { "scoring.output": "separate", "scoring.similarity": "dot" }],
  ["joined", joined],
])("a run with %s scores", (name, set) => {
  it.each(["exact", "int8", "approximate"] as const)(
    "is searched (%s) as evaluation ranks",
    async (index) => {
      const { config, params, run } = await worldOf(root, name, set);
      const scorer = await modelScorer({
        config,
        items,
        params,
        mode: "stored",
        runtime: nodeRuntime,
        threads: 1,
      });
      const retriever = await openRetriever(run, { index, threads: 1 });
      const ranker = createRanker(items, 10);
      const lists = fc.sample(history, { seed: 3, numRuns: 20 }).map((list) => Int32Array.from(list));
      const found = await retriever.retrieve(lists.map((list) => ({ history: list, k: 10, excluded: list })));
      const scores = await scorer.score(
        packHistories(
          lists.map((rows) => ({ rows })),
          scorer.maxLength,
        ),
      );
      lists.forEach((list, q) => {
        const row = { scores, start: q * items, excluded: list, from: 0, to: list.length };
        expect([...found[q]!.rows]).toEqual([...ranker.best(row)]);
        found[q]!.rows.forEach((item, place) => {
          expect(found[q]!.scores[place]).toBeCloseTo(scores[q * items + item]!, 3);
        });
        expect(new Set(found[q]!.sources)).toEqual(new Set(["sequence"]));
      });
      await scorer.dispose();
      await retriever.dispose();
    },
  );
});

describe("the parts of a score", () => {
  const ask = { history: Int32Array.of(1, 2, 3), k: 5, excluded: Int32Array.of(1), trace: [1, 40] };
  const tracesOf = async (name: string, set: Record<string, unknown>) => {
    const { run } = await worldOf(root, name, set);
    const retriever = await openRetriever(run, { index: "exact", threads: 1 });
    const [found] = await retriever.retrieve([ask]);
    await retriever.dispose();
    const listed = found!.trace!.rows.map(({ parts }, place) => ({ parts, score: found!.scores[place]! }));
    return [...listed, ...found!.trace!.asked.map(({ parts, score }) => ({ parts, score: score! }))];
  };

  it.each([
    ["all", joined, ["model", "prior", "neighbours"]],
    ["counted", { ...joined, "scoring.neighbourWeight": 0 }, ["model", "prior"]],
    ["near", { ...joined, "scoring.prior": "none" }, ["model", "neighbours"]],
  ])("add up to it (%s)", async (name, set, expected) => {
    const traces = await tracesOf(name, set);
    expect(traces).toHaveLength(7);
    for (const { parts, score } of traces) {
      expect(Object.keys(parts!)).toEqual(expected);
      const sum = Object.values(parts!).reduce((total, part) => total + part, 0);
      expect(sum).toBeCloseTo(score, 4);
    }
    for (const part of expected as ("model" | "prior" | "neighbours")[])
      expect(traces.some(({ parts }) => Math.abs(parts![part]!) > 1e-3)).toBe(true);
  });

  it("are not told where the model's is all of it", async () => {
    for (const { parts } of await tracesOf("alone", {})) expect(parts).toBeUndefined();
  });
});

/** Ends the thread that a call goes to, once it is answered. */
async function endThread(call: () => Promise<unknown>): Promise<void> {
  const post = vi.spyOn(Worker.prototype, "postMessage");
  await call();
  const thread = post.mock.contexts[0] as Worker;
  post.mockRestore();
  await thread.terminate();
}

describe("a retriever in its thread", () => {
  let retriever: Retriever;
  let world: World;
  const history = Int32Array.of(1, 2, 3);
  const ask = { history, k: 5, excluded: history };
  beforeAll(async () => {
    world = await worldOf(root, "thread", {});
    retriever = await openRetriever(world.run, { index: "exact" as IndexKind });
  });
  afterAll(() => retriever.dispose());

  it("filters by the fields of the run, and fills from the popular ones where nothing else is", async () => {
    expect(retriever.fields).toEqual(["even", "year"]);
    const filter = [{ field: "year", operator: "gte", operand: 2000 } as const];
    const [found] = await retriever.retrieve([{ ...ask, filter, k: 30 }]);
    expect([...found!.rows].sort((a, b) => a - b)).toEqual([50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
    const [nobody] = await retriever.retrieve([{ ...ask, history: new Int32Array(0), filter, k: 2 }]);
    expect([...nobody!.rows]).toEqual([59, 58]);
    expect(nobody!.sources).toEqual(["popularity", "popularity"]);
  });

  it("finds what is similar, without the item itself", async () => {
    const { rows, scores } = await retriever.similar({ row: 7, k: 59, excluded: Int32Array.of(8) });
    expect(rows).toHaveLength(58);
    expect([...rows]).not.toContain(7);
    expect([...rows]).not.toContain(8);
    expect(Math.max(...scores)).toBeLessThanOrEqual(1.000001);
  });

  it("explains: the history, the filter, the rank", async () => {
    const filter = [{ field: "even", operator: "eq", operand: true } as const];
    const [found] = await retriever.retrieve([{ ...ask, filter, trace: [1, 5, 6, 8] }]);
    const { rows, asked } = found!.trace!;
    expect(rows.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5]);
    for (const { history: reasons } of rows) {
      expect(reasons.length).toBe(3);
      for (const { cosine, change } of reasons) {
        expect(Math.abs(cosine!)).toBeLessThanOrEqual(1.000001);
        expect(Number.isFinite(change)).toBe(true);
      }
    }
    const outcome = new Map(asked.map((one) => [one.row, one]));
    expect(outcome.get(1)!.outcome).toBe("excluded");
    expect(outcome.get(5)).toMatchObject({ outcome: "filtered", filter: { field: "even", values: [false] } });
    for (const row of [6, 8]) expect(["found", "ranked-lower"]).toContain(outcome.get(row)!.outcome);
  });

  it("knows new items at once, forgets removed ones, and brings them back", async () => {
    const vector = (world.params["items.id"]!.data as Float32Array).slice(8 * 4, 8 * 5);
    const best = async () => (await retriever.retrieve([{ ...ask, k: 59 }]))[0]!;
    const before = await best();
    const top = before.rows[0]!;
    expect(await retriever.put(items, { vector, fields: { colour: "red" } })).toBe(true);
    expect(retriever.fields).toContain("colour");
    await retriever.remove(top);
    const after = await best();
    expect([...after.rows]).not.toContain(top);
    const score = (found: typeof after, row: number) => found.scores[found.rows.indexOf(row)];
    expect(score(after, items)).toBeCloseTo(score(before, 4) ?? score(after, 4)!, 5); // the same vector as item 4
    expect(await retriever.put(top, {})).toBe(true);
    expect([...(await best()).rows]).toContain(top);
    expect(await retriever.put(items + 5, {})).toBe(false); // the model has no vector for it
  });

  it("is replaced when its thread ends, and no answer lacks what was put or has what was removed", async () => {
    const best = async () => [...(await retriever.retrieve([{ ...ask, k: 59 }]))[0]!.rows];
    const vector = (world.params["items.id"]!.data as Float32Array).slice(0, 8);
    const added = [items + 10, items + 11, items + 12];
    for (const row of added) await retriever.put(row, { vector });
    await retriever.remove(7);
    await endThread(best);
    const first = best();
    await new Promise((resolve) => setTimeout(resolve, 5)); // the next ones come while the new thread starts
    for (const rows of await Promise.all([first, best(), best(), best()])) {
      expect(rows).toEqual(expect.arrayContaining(added));
      expect(rows).not.toContain(7);
    }
  });

  it("hands on what is wrong with the weights", async () => {
    const run = { ...world.run, directory: join(root, "nowhere") };
    await expect(openRetriever(run, {})).rejects.toThrow("nowhere");
  });
});
