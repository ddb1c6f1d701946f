import { describe, expect, it } from "vitest";
import { type ContentRun, casesOf, currentRuns } from "./content.ts";
import { contentPage } from "./content-page.ts";
import { contentData, contentSets } from "./content-rows.ts";
import { configOf, settingsOn } from "./job.ts";

const group = (ndcg: number) => ({
  users: 1000,
  metrics: { "HR@10": 2 * ndcg, "NDCG@10": ndcg },
  neighbours: { "HR@10": 0.07, "NDCG@10": 0.04 },
  popularity: { "HR@10": 0, "NDCG@10": 0 },
});

const madeUp = (row: string, seed: number, ndcg: number): ContentRun => ({
  row,
  data: "amazon-beauty",
  seed,
  configuration: "0123456789ab",
  items: 12_101,
  metrics: { "HR@10": 0.1, "NDCG@10": 0.06 },
  neighbours: { "HR@10": 0.08, "NDCG@10": 0.05 },
  warm: group(0.06),
  cold: group(ndcg),
  fingerprint: "0123456789abcdef",
  bestEpoch: 2,
  seconds: 10,
  threads: 1,
});

describe("the study of content", () => {
  it("asks for every row on every data set and seed, or for some", () => {
    const rows = contentData.flatMap((name) => contentSets[name]!.rows);
    expect(casesOf({})).toHaveLength(rows.length * 3);
    const some = casesOf({ only: ["id"], data: ["amazon-beauty"], seeds: [1] });
    expect(some.map(({ row, data, seed }) => [row.name, data, seed])).toEqual([["id", "amazon-beauty", 1]]);
  });

  it("has rows whose settings are known", () => {
    for (const data of contentData) {
      const { rows, set: common } = contentSets[data]!;
      for (const { set } of rows) {
        const settings = settingsOn("sasrec-text", data, common, set);
        expect(() => configOf("sasrec-text", settings)).not.toThrow();
      }
    }
  });

  it("shows runs of the settings that rows have today, and no others", () => {
    const [asked] = casesOf({ only: ["id"], data: ["amazon-beauty"], seeds: [1] });
    const run = { ...madeUp("id", 1, 0.05), configuration: asked!.configuration };
    expect(currentRuns([run, { ...run, seed: 2 }, { ...run, configuration: "0123456789ab" }])).toEqual([
      run,
      { ...run, seed: 2 },
    ]);
  });

  it("shows means and ranges over removals beside what is not trained, once a removal", () => {
    const page = contentPage([madeUp("id-text", 0, 0.03), madeUp("id-text", 1, 0.05), madeUp("id", 0, 0.01)]);
    expect(page).toMatch(/neighbours by text, untrained\s*\| \.0500 \(\.0500–\.0500\).*\| 2 +\|/);
    expect(page).toMatch(/ids and text\s*\|.*\.0800 \(\.0600–\.1000\)\s*\| \.0400 \(\.0300–\.0500\)\s*\| 2/);
    expect(page).toMatch(/ids alone\s*\|.*\.0200\s*\| \.0100\s*\| 1/);
    expect(page).not.toContain("text alone");
    expect(page).not.toContain("titles");
    expect(page).not.toContain("## amazon-scientific");
    expect(page).toContain("among ten with probability .0008");
  });

  it("shows the neighbours of each kind of content, and none beside ids", () => {
    const films = (row: string): ContentRun => ({ ...madeUp(row, 0, 0.03), data: "ml-1m" });
    const { neighbours: _, ...ids } = films("id");
    const page = contentPage([ids, films("id-title"), films("id-image")]);
    expect(page.match(/neighbours by [\w ]+, untrained/g)).toEqual([
      "neighbours by titles with year and genres, untrained",
      "neighbours by posters, untrained",
    ]);
  });
});
