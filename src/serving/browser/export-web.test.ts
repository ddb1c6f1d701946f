import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRetriever } from "../../training/open-retriever.ts";
import { openScorer } from "../../training/open-scorer.ts";
import { train } from "../../training/train.ts";
import { openRecommender } from "../open-recommender.ts";
import type { Recommender } from "../recommender.ts";
import { importFilms, trainFilms } from "../testing/film-run.ts";
import { exportWeb } from "./export-web.ts";
import { openExport } from "./open-export.ts";

/** Scores of the same float32 graph, whose item scores are summed in another order. */
const tolerance = 1e-4;

let [folder, data] = ["", ""];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-export-"));
  data = await importFilms(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (directory: string) => async (path: string) => {
  const bytes = await readFile(join(directory, path));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
};
const opened = (directory: string) => openExport({ ort, read: read(directory) });

const histories = [
  ["i3"],
  ["i3", "i4", "i5"],
  ["i29", "nothing", "i0", "i0"],
  Array.from({ length: 20 }, (_, k) => `i${(7 * k) % 30}`),
  [],
  ["nothing"],
];
const wishes = [
  { k: 10 },
  { k: 30, trace: true },
  { k: 5, filter: { genre: { in: ["Comedy"] }, year: { gte: 1995 } }, exclude: ["i6"] },
  { k: 8, diversity: 0.6, seen: "include" },
] as const;

/** Numbers within the tolerance, everything else equal. */
function expectAlike(given: unknown, wanted: unknown, where: string): void {
  if (typeof wanted === "number" && typeof given === "number")
    expect(Math.abs(given - wanted), where).toBeLessThan(tolerance);
  else if (typeof wanted === "object" && wanted !== null) {
    expect(Object.keys(given as object), where).toEqual(Object.keys(wanted));
    for (const [key, value] of Object.entries(wanted))
      expectAlike((given as Record<string, unknown>)[key], value, `${where}.${key}`);
  } else expect(given, where).toBe(wanted);
}

async function expectSameAnswers(ours: Recommender, service: Recommender): Promise<void> {
  for (const history of histories)
    for (const wish of wishes) {
      const asked = { history, ...wish };
      expectAlike(await ours.recommend(asked), await service.recommend(asked), JSON.stringify(asked));
    }
  expectAlike(await ours.similar("i3"), await service.similar("i3"), "similar");
}

describe.each([
  { recipe: "sasrec" },
  { recipe: "sasrec-bce" },
  { recipe: "sequitur-id" },
  { recipe: "bert4rec" },
  { recipe: "fmlp", set: { "training.rowLength": 64 } },
  { recipe: "sasrec-text", set: { "loss.negatives": 30 } },
  { recipe: "sasrec", name: "separate", set: { "scoring.output": "separate" } },
  {
    recipe: "sasrec-text",
    name: "separate-text",
    set: { "loss.negatives": 30, "scoring.output": "separate" },
  },
])("an export of $recipe", ({ recipe, name = recipe, set }) => {
  it("recommends what a service of the run does", async () => {
    const [run, directory] = [join(folder, name), join(folder, `${name}-site`)];
    await trainFilms({ data, out: run, recipe, ...(set && { set }) });
    const written = await exportWeb({ run, directory });
    const service = await openRecommender({ run, openScorer, openRetriever, users: "required" });
    const { recommender: ours, fieldsOf } = await opened(directory);
    expect(ours.model).toBe(service.model);
    expect(written).toMatchObject({ directory, model: service.model, items: 30 });
    expect(fieldsOf("i2")).toMatchObject({ genre: "Comedy", year: 1992 });
    expect((fieldsOf("i29").story as string).length).toBe(257);
    await expectSameAnswers(ours, service);
    await expect(ours.recommend({ user: "u1" })).rejects.toThrow("no user is known; give a history");
    await service.dispose();
    await ours.dispose();
  });
});

describe("a folder of an export", () => {
  const run = (): string => join(folder, "sasrec");

  it("holds nothing of the people of the data", async () => {
    const files = await readdir(join(folder, "sasrec-site"), { recursive: true, withFileTypes: true });
    for (const file of files.filter((each) => each.isFile() && /json$|onnx$/.test(each.name)))
      expect(await readFile(join(file.parentPath, file.name), "latin1")).not.toMatch(/\bu1\d?\b/);
  });

  it("takes the place of an earlier one, and of nothing else", async () => {
    const directory = join(folder, "sasrec-site");
    const before = await readdir(directory, { recursive: true });
    await exportWeb({ run: run(), directory });
    expect((await readdir(directory, { recursive: true })).sort()).toEqual(before.sort());
    await writeFile(join(directory, "assets", "mine.txt"), "mine");
    await expect(exportWeb({ run: run(), directory })).rejects.toThrow(
      'besides the web export, which would be replaced, this folder holds "assets/mine.txt"; move that away',
    );
    await expect(exportWeb({ run: run(), directory: data })).rejects.toThrow(
      `${data}: this folder holds something else than a Sequitur web export; choose another folder`,
    );
    const empty = join(folder, "empty");
    await mkdir(empty);
    await exportWeb({ run: run(), directory: empty });
    expect(await readdir(empty)).toContain("index.html");
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("is not written for a baseline, nor for what is no run, nor with pictures that are not there", async () => {
    const [out, directory] = [join(folder, "popularity"), join(folder, "none")];
    await train({ data, out, recipe: "popularity" });
    await expect(exportWeb({ run: out, directory })).rejects.toThrow(
      `${out}: popularity is a baseline, which has no model that a browser could run; export a trained model`,
    );
    await expect(exportWeb({ run: folder, directory })).rejects.toThrow("this is not a run folder");
    await expect(exportWeb({ run: run(), directory, images: true })).rejects.toThrow(
      `${run()}: the dataset of this run knows no pictures; import it with --images, or export without them`,
    );
    await expect(readdir(directory)).rejects.toThrow("ENOENT");
  });

  it("is written without the dataset, too, and says what it does not know then", async () => {
    const directory = join(folder, "alone");
    const said: string[] = [];
    await rm(data, { recursive: true });
    await exportWeb({ run: run(), directory, onMessage: (text) => said.push(text) });
    expect(said).toEqual([
      expect.stringMatching(/^what is popular is told from the training alone: .*--data$/),
    ]);
    const { recommender } = await opened(directory);
    expect((await recommender.recommend({ history: [] })).items).toHaveLength(10);
    await expect(exportWeb({ run: run(), directory, data })).rejects.toThrow("is not a dataset folder");
  });
});

describe("an export that is opened", () => {
  const broken = (path: RegExp, text: string) => {
    const files = read(join(folder, "alone"));
    return openExport({
      ort,
      read: async (name) => (path.test(name) ? new TextEncoder().encode(text).buffer : files(name)),
    });
  };

  it.each([
    [/^export.json$/, "{}", "export.json: this is not of an export; export the run again"],
    [/^export.json$/, "<!doctype html>", "export.json: this is not JSON; export the run again"],
    [
      /^export.json$/,
      '{"kind":"sequitur-export","format":0}',
      "export.json: the export is of format 0, this page reads 1; export the run again",
    ],
    [
      /vectors/,
      "short",
      /model\/vectors-\w+\.f32: has 5 bytes where 30 vectors take 1920; export the run again/,
    ],
    [/onnx$/, "no model", /^ONNX Runtime could not load the program/],
  ])("is refused where %s is %j", async (path, text, sentence) => {
    await expect(broken(path, text)).rejects.toThrow(sentence);
  });
});
