import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isBaseline } from "../src/models/config.ts";
import { trainStep } from "../src/models/train-step.ts";
import { stepRows, stepShape, stepSize } from "../src/training/step-size.ts";
import { configOf } from "./job.ts";
import { leaderboardStore } from "./leaderboard.ts";
import { readOptions, root } from "./options.ts";
import { leaderboardPage } from "./page.ts";
import { planOf } from "./plan.ts";
import { type Row, rows } from "./rows.ts";
import { combinations, readSearch, searchConfig, searchName, searchPage, trialsOf } from "./search.ts";
import { logStore } from "./store.ts";
import { madeUpRecord } from "./testing/world.ts";

const few: readonly Row[] = [
  {
    name: "sasrec",
    title: "SASRec",
    recipe: "sasrec",
    oneSeed: ["ml-1m"],
    data: ["amazon-beauty", "ml-1m"],
    published: { "amazon-beauty": { hr: ".0986", ndcg: ".0597", source: "a paper" } },
    bars: { "amazon-beauty": 0.0585, "ml-1m": [0.1, 0.2] },
  },
  { name: "markov", title: "Markov", recipe: "markov", seeds: [0], data: ["amazon-beauty"] },
  { name: "later", title: "a later one", recipe: "not-there" },
];

describe("the leaderboard", () => {
  const { jobs } = planOf(few);

  it("shows means and spreads beside what was published, and what is missing", () => {
    const records = jobs
      .filter(({ row, data, seed }) => row === "markov" || data === "ml-1m" || seed < 2)
      .map((job) =>
        madeUpRecord(
          job,
          job.row === "markov" ? 0.04 : 0.058 + 0.002 * job.seed,
          job.data === "ml-1m" ? { fingerprint: "fedcba9876543210" } : {},
        ),
      );
    const page = leaderboardPage(few, records);
    const lines = page.split("\n");
    expect(lines).toContain(
      "| SASRec | .0590 (.0580–.0600) | .1180 (.1160–.1200) | 2 | .0597 (HR@10 .0986) [1] | ≥ .0585 ✓ | 1,000 | 20 | 150 | 100 | 0.5 |",
    );
    expect(lines).toContain("| Markov | .0400 | .0800 | 1 |  |  |  | 20 | 150 | 100 | 0.5 |");
    expect(lines).toContain("[1] a paper");
    expect(page).toContain("Fingerprint of the protocol: `fedcba9876543210`");
    expect(lines).toContain(
      "| SASRec | .0580 | .1160 | 1 |  | .1000–.2000 ✗ | 1,000 | 20 | 150 | 100 | 0.5 |",
    );
    expect(lines).toContain("One seed, because a seed takes longer than 20 minutes: SASRec.");
    expect(page.slice(page.indexOf("## Not run yet"))).toBe(
      '## Not run yet\n\n- SASRec: amazon-beauty (seed 2)\n- a later one: there is no recipe "not-there" yet\n',
    );
  });

  it("never puts runs of two protocols into one table, nor shows other settings", () => {
    const [first, second] = jobs.filter((job) => job.row === "sasrec");
    const other = { ...first!, seed: 2, set: { "items.dim": 32 } };
    const records = [
      madeUpRecord(first!),
      madeUpRecord(second!, 0.05, { fingerprint: "fedcba9876543210" }),
      madeUpRecord(other),
    ];
    const page = leaderboardPage(few, records);
    expect(page.match(/^\| SASRec \| \.0500 \| \.1000 \| 1 \|/gm)).toHaveLength(2);
    expect(page).toContain("- SASRec: amazon-beauty (seed 2), ml-1m (seed 0)");
  });

  it("is what the records give", () => {
    const page = readFileSync(join(root, "docs", "leaderboard.md"), "utf8");
    expect(page).toBe(leaderboardPage(rows, leaderboardStore(join(root, "docs")).all()));
  });
});

describe("the rows", () => {
  it("have names of their own, and settings that exist", () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    expect(planOf(rows).jobs.length).toBeGreaterThan(50);
  });

  it("have settings that fit together on every data set", () => {
    const sequences = { offsets: Int32Array.of(0, 3), sequence: Int32Array.of(0, 1, 2) };
    for (const { recipe, set, seed } of planOf(rows).jobs) {
      const config = configOf(recipe, set);
      if (seed > 0 || isBaseline(config)) continue;
      const rows = stepRows(config, sequences);
      trainStep(config, stepSize(stepShape(config, rows, sequences), 5000));
    }
  });

  it("come data set by data set, first seeds first", () => {
    const order = planOf(few).jobs.map(({ row, data, seed }) => `${data} ${row} ${seed}`);
    expect(order).toEqual([
      "amazon-beauty sasrec 0",
      "amazon-beauty markov 0",
      "amazon-beauty sasrec 1",
      "amazon-beauty sasrec 2",
      "ml-1m sasrec 0",
    ]);
  });

  it("name the nearest where one is asked for that is not there", () => {
    expect(() => planOf(few, { only: ["sasrek"] })).toThrow(
      'there is no row "sasrek"; the nearest is "sasrec"',
    );
    expect(() => planOf(few, { data: ["ml1m"] })).toThrow(
      'there is no data set "ml1m"; the nearest is "ml-1m"',
    );
  });

  it("say whose setting is wrong", () => {
    const wrong: Row = { name: "x", title: "x", recipe: "sasrec", set: { "training.epoch": 3 } };
    expect(() => planOf([wrong])).toThrow(
      'row "x": there is no setting "training.epoch"; the nearest is "epochs"',
    );
  });
});

describe("a search", () => {
  const config = searchConfig("s.json", {
    about: "what helps",
    recipe: "sasrec",
    data: "amazon-beauty",
    set: { "training.epochs": 3 },
    trials: [{ "backbone.dropout": 0.1 }],
    grid: { "backbone.dropout": [0.1, 0.2], "training.learningRate": [0.001, 0.002] },
  });

  it("tries its list and then every combination, each once", () => {
    expect(combinations({ a: [1, 2], b: ["x", "y"] })).toEqual([
      { a: 1, b: "x" },
      { a: 1, b: "y" },
      { a: 2, b: "x" },
      { a: 2, b: "y" },
    ]);
    const jobs = trialsOf("s", config, "s.json");
    expect(jobs.map(({ set }) => set["backbone.dropout"])).toEqual([0.1, 0.1, 0.1, 0.2, 0.2]);
    expect(jobs.every(({ set, test }) => set["training.epochs"] === 3 && !test)).toBe(true);
  });

  it("shows what differed, best first, and never the test part", () => {
    const jobs = trialsOf("s", config, "s.json");
    const page = searchPage("s", config, [madeUpRecord(jobs[0]!, 0.05), madeUpRecord(jobs[1]!, 0.06)]);
    expect(page).toContain("| backbone.dropout | training.learningRate | validation NDCG@10 |");
    expect(page.indexOf("| 0.1 | 0.001 | 0.0600 (best) | 0.1200 | 18 of 20 | 150 | 100 |")).toBeLessThan(
      page.indexOf("| 0.1 |  | 0.0500 | 0.1000 |"),
    );
    expect(page).toContain("3 of 5 trials are not run yet");
  });

  it("names the key that is wrong", () => {
    const wrong = (value: object) => () =>
      searchConfig("s.json", { about: "", recipe: "r", data: "d", ...value });
    expect(wrong({ grit: {} })).toThrow('s.json: there is no key "grit"; the nearest is "grid"');
    expect(wrong({ seed: -1 })).toThrow("s.json: seed: ");
    expect(() => trialsOf("s", { ...config, trials: [], grid: {} }, "s.json")).toThrow(
      "there is nothing to try",
    );
    expect(() => trialsOf("s", { ...config, recipe: "sasrek" }, "s.json")).toThrow(
      's.json: there is no recipe "sasrek"; the nearest is "sasrec"',
    );
  });

  const folder = join(root, "study", "searches");
  it.each(readdirSync(folder).filter((name) => name.endsWith(".json")))(
    "%s is what its log gives",
    (file) => {
      const name = searchName(file);
      const results = join(root, "docs", "results", "search");
      const page = readFileSync(join(results, `${name}.md`), "utf8");
      const records = logStore(join(results, `${name}.jsonl`)).all();
      expect(page).toBe(searchPage(name, readSearch(join(folder, file)), records));
    },
  );
});

describe("the flags", () => {
  const now = new Date(2026, 0, 1, 12, 0);
  it("are read", () => {
    const options = readOptions(
      ["--only", "a, b", "--seeds", "0,2", "--threads", "3", "--until", "11:30"],
      now,
    );
    expect(options).toMatchObject({ only: ["a", "b"], seeds: [0, 2], threads: 3, list: false });
    expect(new Date(options.until!)).toEqual(new Date(2026, 0, 2, 11, 30));
    expect(readOptions(["--minutes", "5"], now).until).toBe(now.getTime() + 300_000);
  });

  it.each([
    [["--onyl", "x"], 'there is no flag --onyl; the nearest is "only"'],
    [["--seeds", "0,x"], '--seeds takes a whole number from 0 on, not "x"'],
    [["--threads", "0"], '--threads takes a whole number from 1 on, not "0"'],
    [["--until", "25:00"], '--until takes a time such as 07:45, not "25:00"'],
    [["sasrec"], "Unexpected argument 'sasrec'"],
  ])("are refused in a sentence: %s", (args, message) => {
    expect(() => readOptions(args, now)).toThrow(message);
  });
});
