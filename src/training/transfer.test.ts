import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode } from "../content/encode.ts";
import { openDataset } from "../data/dataset.ts";
import { importInteractions } from "../data/import.ts";
import { readTensors } from "../data/tensors.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { openRun } from "../evaluation/run-folder.ts";
import { reachableNodes } from "../graph/graph.ts";
import { resolveConfig } from "../models/config.ts";
import { trainStep } from "../models/train-step.ts";
import { isPriorParam } from "../retrieval/prior.ts";
import type { Tensor } from "../tensor/spec.ts";
import { openScorer } from "./open-scorer.ts";
import { type TrainOptions, train } from "./train.ts";

/** Two shops whose items are called after the hours; whoever takes one of an hour takes one of the next hour then. */
const hours = 24;
const copies = { source: 3, target: 2 } as const;
let folder = "";
const at = (name: string): string => join(folder, name);

type Settings = NonNullable<TrainOptions["set"]>;

const set = (epochs: number, more: Readonly<Record<string, unknown>> = {}): Settings =>
  Object.entries({
    "items.dim": 16,
    "items.parts.text.hidden": 32,
    "loss.negatives": 24,
    "loss.from": "both",
    "training.maxLength": 10,
    "training.rowLength": 16,
    "training.batchTokens": 256,
    "training.learningRate": 0.01,
    "training.threads": 1,
    "training.epochs": epochs,
    "training.patience": 40,
    "backbone.dropout": 0.1,
    ...more,
  }).map(([path, value]) => ({ path, value }));

/** Only settings of the training itself: the model is that of the run that weights come from. */
const only = (epochs: number, more: Readonly<Record<string, unknown>> = {}): Settings => [
  { path: "training.epochs", value: epochs },
  ...Object.entries(more).map(([path, value]) => ({ path, value })),
];

async function shop(name: keyof typeof copies, colours: readonly string[]): Promise<void> {
  const many = copies[name];
  const lines = ["user_id,item_id,position"];
  for (let user = 0; user < 120; user++) {
    for (let k = 0; k < 8; k++) {
      const [hour, copy] = [(user * 7 + k) % hours, (Math.floor(user / 7) + k * k) % many];
      lines.push(`u${user},${name}-${hour}-${copy},${k}`);
    }
  }
  const items = Array.from({ length: hours * many }, (_, k) => {
    const [hour, copy] = [k % hours, Math.floor(k / hours)];
    const title = `hour${hour} clock${hour} ${colours[copy]}`;
    return JSON.stringify({ item_id: `${name}-${hour}-${copy}`, title });
  });
  await writeFile(at(`${name}.csv`), lines.join("\n"));
  await writeFile(at(`${name}.jsonl`), items.join("\n"));
  await importInteractions({
    interactions: at(`${name}.csv`),
    items: at(`${name}.jsonl`),
    out: at(name),
  });
}

/** What a run has learned; its prior is counted on its own data. */
async function weightsOf(run: string): Promise<Record<string, Tensor>> {
  const { tensors } = await readTensors(join(at(run), "weights.safetensors"));
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !isPriorParam(name)));
}

/** Trains on the target what the options say, and gives the sentences that were told. */
async function trained(out: string, options: Partial<TrainOptions>): Promise<string[]> {
  const told: string[] = [];
  const onProgress: TrainOptions["onProgress"] = ({ kind, text }) => {
    if (kind === "message") told.push(text!);
  };
  await train({ data: at("target"), out: at(out), onProgress, ...options });
  return told;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-transfer-"));
  await shop("source", ["red", "green", "blue"]);
  await shop("target", ["green", "pink"]);
  await encode(await openDataset(at("source")), { text: { dim: 40 } });
  await encode(await openDataset(at("target")), { text: { like: at("source") } });
  const source = { data: at("source"), recipe: "sasrec-text" };
  await train({ ...source, out: at("hybrid"), set: set(3) });
  await train({ ...source, out: at("text"), set: set(20, { "items.parts.id": null }) });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("weights that are carried to another data set", () => {
  it("know its items by their texts before anything was learned there", async () => {
    const told = await trained("zero", { init: at("text"), set: only(0) });
    expect(told).toEqual([
      `starts from ${at("text")} (sasrec-text): items.text, backbone carried`,
      "no epochs: the weights stay as they start",
    ]);
    expect(await weightsOf("zero")).toEqual(await weightsOf("text"));
    const { metrics, baselines } = await evaluateRun({ run: at("zero"), openScorer });
    expect(metrics["HR@10"]).toBeGreaterThan(2 * baselines.popularity!["HR@10"]!);
    expect(metrics["HR@10"]).toBeGreaterThan(0.8);
    const { manifest } = await openRun(at("zero"));
    expect(manifest.init).toMatchObject({ run: "../text", recipe: "sasrec-text" });
    expect(manifest.recipe).toBe("sasrec-text");
    expect(manifest.config).toMatchObject({ training: { epochs: 0 }, scoring: { similarity: "cosine" } });
  });

  it("are never the rows of another catalogue's items", async () => {
    const told = await trained("ids", { init: at("hybrid"), set: only(1) });
    expect(told[0]).toContain("items.text, backbone carried");
    expect(told[1]).toBe("not carried: items.id.id (a row for each item of the other catalogue)");
    expect(told[2]).toBe("not of that run, starts anew: items.id");
    const [ours, theirs] = [await weightsOf("ids"), await weightsOf("hybrid")];
    expect(ours["items.id.id"]!.shape[0]).toBe(hours * copies.target);
    expect(theirs["items.id.id"]!.shape[0]).toBe(hours * copies.source);
    expect(ours["items.text.center"]).toEqual(theirs["items.text.center"]);
    const again = { data: at("source"), out: at("same"), init: at("hybrid"), set: only(0) };
    await train(again);
    expect(await weightsOf("same")).toEqual(theirs);
    await trained("new-ids", { init: at("text"), set: only(0, { "items.parts.id": {} }) });
    expect((await weightsOf("new-ids"))["items.id.id"]!.shape[0]).toBe(hours * copies.target);
  });

  it.each([["backbone"], ["items.text", "items.id.id"], ["items.text.head.weight"]])(
    "stay as they are where %s is frozen, and the rest is learned",
    async (...freeze) => {
      const out = `frozen-${freeze[0]}`;
      await trained(out, { init: at("hybrid"), freeze, set: only(2, { "training.averaging": 0.9 }) });
      const [before, after] = [await weightsOf("hybrid"), await weightsOf(out)];
      for (const [name, { data }] of Object.entries(after)) {
        const isFrozen = freeze.some((part) => `${name}.`.startsWith(`${part}.`));
        const constant = ["items.text.center", "items.text.gain"].includes(name);
        if (name === "items.id.id") continue; // of another catalogue
        expect([name, Buffer.from(data.buffer).equals(Buffer.from(before[name]!.data.buffer))]).toEqual([
          name,
          isFrozen || constant || name === "items.text.missing", // every item has a text
        ]);
      }
    },
  );

  it("cost no gradient where they are frozen", () => {
    const step = (freeze: readonly string[]) => {
      const config = resolveConfig({
        items: { name: "features", columns: 12, dim: 8 },
        training: { maxLength: 8, rowLength: 8, freeze },
      });
      return trainStep(config, { items: 30, rows: 2, width: 8 });
    };
    const nodes = ({ graph }: ReturnType<typeof step>) =>
      reachableNodes(graph, [...graph.outputs.values()]).length;
    const whole = step([]);
    for (const part of ["items", "backbone"]) {
      const less = step([part]);
      const names = [...less.graph.outputs.keys()].filter((name) => name.includes(`/${part}.`));
      expect(names).toEqual([]);
      expect(less.gradients.some(({ param }) => param.startsWith(`${part}.`))).toBe(false);
      expect(nodes(less)).toBeLessThan(nodes(whole));
    }
    // Where all before it is frozen, nothing is differentiated through the first block either.
    expect(nodes(step(["items", "backbone.block0"]))).toBeLessThan(nodes(step(["items"])) - 20);
  });

  it("are resumed to the same bits after a kill, without the run that they came from", async () => {
    const options = { init: at("text"), freeze: ["backbone.block0"], set: only(3), data: at("target") };
    await train({ ...options, out: at("whole") });
    const killed = (last: number): NonNullable<TrainOptions["onProgress"]> => {
      let epochs = 0;
      return ({ kind }) => {
        if (kind !== "epoch") return;
        epochs++;
        if (epochs === last) throw new Error("stopped");
      };
    };
    for (const [out, last] of [
      ["early", 1],
      ["late", 2],
    ] as const) {
      await expect(train({ ...options, out: at(out), onProgress: killed(last) })).rejects.toThrow("stopped");
      const other = train({ ...options, init: at("hybrid"), out: at(out), resume: true });
      await expect(other).rejects.toThrow(
        "was started from ../text, as it was then; resume it without --init",
      );
      if (last === 2) await rename(at("text"), at("away"));
      await train({ data: at("target"), out: at(out), resume: true });
      if (last === 2) await rename(at("away"), at("text"));
      for (const name of ["weights.safetensors", "model.onnx"]) {
        const [a, b] = await Promise.all([out, "whole"].map((run) => readFile(join(at(run), name))));
        expect(a!.equals(b!)).toBe(true);
      }
    }
  });

  it("are learned from a share of the users, and all are tested", async () => {
    await trained("tenth", { init: at("text"), set: only(1, { "training.users": 0.1 }) });
    const { items } = await openRun(at("tenth"));
    expect(items.reduce((sum, { count }) => sum + count, 0)).toBe(12 * 6);
    const { users, baselines } = await evaluateRun({ run: at("tenth"), openScorer });
    expect(users).toBe(120);
    const all = await evaluateRun({ run: at("zero"), openScorer });
    expect(baselines).toEqual(all.baselines);
  });

  it("are refused where they do not fit, before anything is written", async () => {
    await train({
      data: at("source"),
      out: at("id-run"),
      set: set(1).filter(({ path }) => !/parts|loss/.test(path)),
    });
    await train({ data: at("source"), out: at("popular"), recipe: "popularity" });
    const text = at("text");
    const cases: [Partial<TrainOptions>, string | RegExp][] = [
      [{ init: at("nothing") }, "so this is not a run folder"],
      [{ init: at("id-run") }, "sasrec knows its items by ids alone, which say nothing of other items"],
      [{ init: at("popular") }, "popularity is a baseline, which has no weights to start from"],
      [{ init: text, recipe: "popularity" }, "popularity is a baseline, which starts from no other run"],
      [{ init: text, set: only(1, { "backbone.heads": 2 }) }, "its backbone.heads is 1, not 2"],
      [
        { init: text, set: only(1, { "backbone.name": "gru4rec" }) },
        'its backbone.name is "sasrec", not "gru4rec"',
      ],
      [
        { init: text, set: only(1, { "items.parts.text.hidden": 8 }) },
        /its items\.text\.head\.weight is \[\d+, 32\], but \[\d+, 8\] here/,
      ],
      [
        { init: text, freeze: ["backbon"] },
        'there is no part or parameter "backbon"; the nearest is "backbone"; parts are: backbone, ',
      ],
      [
        { init: text, freeze: ["items", "backbone"] },
        "training.freeze: items, backbone is all that there is to be learned",
      ],
    ];
    for (const [options, message] of cases) {
      await expect(trained("refused", options)).rejects.toThrow(message);
    }
    await encode(await openDataset(at("target")), { text: { dim: 40 } });
    await expect(trained("refused", { init: text })).rejects.toThrow(
      `features "text" of ${at("target")} are not in the space of those that ${text} was trained with; make them with the same encoder, or "sequitur encode --data ${at("target")} --like ${text}"`,
    );
    await expect(readFile(at("refused"))).rejects.toThrow("ENOENT");
  });
});
