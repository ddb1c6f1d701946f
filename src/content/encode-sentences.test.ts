import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../data/dataset.ts";
import { openFeatures } from "../data/features.ts";
import { type Scratch, scratch } from "../data/testing/scratch.ts";
import { encode, type TextChoice } from "./encode.ts";
import { openLanguageModel } from "./language-model.ts";
import { openNewItemFeatures } from "./new-items.ts";
import { pool } from "./pooling.ts";
import { embedding, tinyModel, vocabulary, WIDTH, writeTinyEncoder } from "./tiny-encoder.fixture.ts";

const texts: Readonly<Record<string, string | null>> = {
  a: "Red shoes",
  b: "blue hat blue hat blue hat",
  c: null,
  d: "中文 unheard-of",
  e: "red ".repeat(25_000),
};

/** What the model makes of tokens: 4 × their embeddings. */
const states = (...tokens: string[]) =>
  tokens.map((token) => embedding(vocabulary.indexOf(token)).map((value) => 4 * value));
const meanOf = (rows: number[][]) =>
  rows[0]!.map((_, c) => rows.reduce((sum, row) => sum + row[c]! / rows.length, 0));

describe("a language model from a folder", () => {
  let at: Scratch;
  let dataset: Dataset;
  let encoder = "";
  beforeAll(async () => {
    at = await scratch();
    encoder = await writeTinyEncoder(join(at.folder, "tiny"));
    const log = Object.keys(texts)
      .map((id, i) => `u,${id},${i}`)
      .join("\n");
    const items = Object.entries(texts).map(([item_id, title]) => JSON.stringify({ item_id, title }));
    const interactions = await at.file("log.csv", `user_id,item_id,timestamp\n${log}\n`);
    dataset = (await at.imported(interactions, { items: await at.file("items.jsonl", items.join("\n")) }))
      .dataset;
  });
  afterAll(() => at.remove());

  const encoded = async (choice: Partial<TextChoice> = {}) => {
    const [report] = await encode(dataset, { text: { encoder, ...choice } });
    const { values, dim, present, source } = await openFeatures(dataset, report!.table);
    const row = (item: number) => [...values.slice(item * dim, (item + 1) * dim)];
    return { report: report!, row, dim, present: [...present], source };
  };

  it("gives the mean of the tokens, of texts of any script and length", async () => {
    const { report, row, present, source } = await encoded();
    expect(report).toMatchObject({ table: "text", dim: WIDTH, encoded: 4, missing: 1, problems: [] });
    expect(report).toMatchObject({ missingItems: ["c"], cut: { texts: 1, tokens: 16 } });
    expect(present).toEqual([1, 1, 0, 1, 1]);
    expect(row(0)).toEqual(meanOf(states("[CLS]", "red", "shoe", "##s", "[SEP]")).map(Math.fround));
    expect(row(2)).toEqual([0, 0, 0, 0]);
    const mixed = states("[CLS]", "中", "文", "[UNK]", "[UNK]", "[UNK]", "[SEP]");
    for (const [c, value] of meanOf(mixed).entries()) expect(row(3)[c]).toBeCloseTo(value, 5);
    const cut = states("[CLS]", ...Array<string>(14).fill("red"), "[SEP]"); // the model's limit is 16
    expect(row(4)).toEqual(meanOf(cut).map(Math.fround));
    expect(source).toMatchObject({
      encoder: "tiny",
      columns: ["title"],
      options: { pooling: "mean", maxTokens: 16 },
    });
  });

  it("gives the first or the last token where that is asked for", async () => {
    expect((await encoded({ pooling: "cls" })).row(0)).toEqual(states("[CLS]")[0]);
    const { row, report } = await encoded({ pooling: "last", maxTokens: 4 });
    expect(row(0)).toEqual(states("[SEP]")[0]);
    expect(report.cut).toEqual({ texts: 4, tokens: 4 });
  });

  it("gives the states after every layer where they are asked for", async () => {
    const { report, row, dim, source } = await encoded({ pooling: "cls", hiddenStates: true });
    expect([report.table, dim]).toEqual(["text-layers", 3 * WIDTH]);
    expect(source).toMatchObject({ layers: 3 });
    const own = embedding(vocabulary.indexOf("[CLS]"));
    expect(row(0)).toEqual([1, 2, 4].flatMap((scale) => own.map((value) => scale * value)));
  });

  it("encodes nothing a second time, and everything with another model", async () => {
    const path = join(dataset.directory, "features", "text.safetensors");
    expect((await encoded()).report.encoded).toBe(4);
    const before = await readFile(path);
    expect((await encoded()).report).toMatchObject({ encoded: 0, reused: 4 });
    expect(await readFile(path)).toEqual(before);
    const other = await writeTinyEncoder(join(at.folder, "other"), tinyModel(["input_ids"]));
    expect((await encoded({ encoder: other })).report.encoded).toBe(4);
  });

  it("is opened again for new items, unless it has become another model", async () => {
    for (const hiddenStates of [false, true]) {
      const { report, row } = await encoded({ hiddenStates });
      const reopened = await openNewItemFeatures(dataset, report.table);
      const made = await reopened.encode(
        ["Red shoes", "", "blue hat blue hat blue hat"].map((title, k) => ({
          id: `n${k}`,
          title,
          fields: {},
        })),
      );
      expect(made[1]).toBe("it has no text in title");
      for (const [k, item] of [0, 1].entries())
        for (const [c, value] of (made[2 * k] as Float32Array).entries())
          expect(value).toBeCloseTo(row(item)[c]!, 5);
      await reopened.dispose();
    }
    await encoded();
    const other = await writeTinyEncoder(join(at.folder, "another"), tinyModel(["input_ids"]));
    await expect(openNewItemFeatures(dataset, "text", { encoder: other })).rejects.toThrow(
      'the encoder that was found for features "text" is not the one that made them (tiny)',
    );
  });

  it("is the same as a model that the package finds by its name, as on the hub", async () => {
    const { env } = await import("@huggingface/transformers");
    const { allowRemoteModels, localModelPath } = env;
    Object.assign(env, { allowRemoteModels: false, localModelPath: at.folder });
    const models = await Promise.all(
      ["tiny", encoder].map((name) => openLanguageModel(name, { hiddenStates: false, threads: 1 })),
    );
    const [named, own] = await Promise.all(
      models.map((model) => model.states(model.tokens(["red shoes", "中"], 9).rows)),
    );
    expect(named).toEqual(own);
    expect(named![0]!.shape).toEqual([2, 5, WIDTH]);
    for (const model of models) await model.dispose();
    await expect(openLanguageModel("nobody/nothing", { hiddenStates: false })).rejects.toThrow(
      /^text encoder "nobody\/nothing": there is no such folder, and it could not be loaded from the hub \(/,
    );
    await expect(
      openLanguageModel("tiny", { hiddenStates: true }).then((model) => model.states([[1]])),
    ).rejects.toThrow("its file has no outputs called hidden_states");
    Object.assign(env, { allowRemoteModels, localModelPath });
  });

  it("says what is wrong with a folder that is no text encoder", async () => {
    const wrong = async (name: string, change: (folder: string) => Promise<unknown>) => {
      const folder = await writeTinyEncoder(join(at.folder, name));
      await change(folder);
      return openLanguageModel(folder, { hiddenStates: true }).then(
        async (model) => model.states([[1]]),
        (error: Error) => error.message.replaceAll(folder, name),
      );
    };
    const model = (folder: string) => join(folder, "onnx", "model.onnx");
    expect(await wrong("no-tokenizer", (folder) => rm(join(folder, "tokenizer.json")))).toMatch(
      /^no-tokenizer: this is no text encoder: the folder has no readable tokenizer.json/,
    );
    expect(await wrong("no-model", (folder) => rm(model(folder)))).toBe(
      "no-model: this is no text encoder: the folder has no .onnx file",
    );
    expect(await wrong("broken", (folder) => writeFile(model(folder), "no model"))).toMatch(
      /^broken: this is no text encoder: /,
    );
    const pixels = await writeTinyEncoder(join(at.folder, "pixels"), tinyModel(["pixels"]));
    await expect(encoded({ encoder: pixels })).rejects.toThrow(
      'it takes "pixels" INT64 [batch, tokens]; a text encoder takes input_ids',
    );
    await expect(encoded({ encoder: undefined, pooling: "cls" })).rejects.toThrow(
      "name one with --text-encoder",
    );
  });
});

it("states that are pooled already stay as they are", () => {
  const data = Float32Array.of(1, 2, 3, 4);
  expect(pool({ data, shape: [2, 2] }, [7, 7], "mean").map((vector) => [...vector])).toEqual([
    [1, 2],
    [3, 4],
  ]);
});
