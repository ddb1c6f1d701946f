import { describe, expect, it } from "vitest";
import { configOf } from "./job.ts";
import { casesOf, currentRuns, pairs, rows, type TransferRun } from "./transfer.ts";
import { transferPage } from "./transfer-page.ts";

const madeUp = (row: string, seed: number, ndcg: number): TransferRun => ({
  row,
  ...pairs[0]!,
  seed,
  configuration: "0123456789ab",
  metrics: { "HR@10": 2 * ndcg, "NDCG@10": ndcg },
  popularity: { "HR@10": 0.02, "NDCG@10": 0.01 },
  users: 1234,
  fingerprint: "0123456789abcdef",
  epochs: 3,
  bestEpoch: 2,
  seconds: 10,
  threads: 1,
});

describe("the study of transfer", () => {
  it("asks for every row on every pair and seed, or for some", () => {
    expect(casesOf({})).toHaveLength(pairs.length * rows.length * 3);
    const some = casesOf({ only: ["zero-shot"], data: ["amazon-scientific"], seeds: [1] });
    expect(some.map(({ source, row, seed }) => [source, row.name, seed])).toEqual([
      ["amazon-sports", "zero-shot", 1],
    ]);
  });

  it("tells runs apart by what their source was trained with", () => {
    const cases = casesOf({ data: [pairs[0]!.target], seeds: [0] }).filter(
      ({ fitted }) => fitted === pairs[0]!.fitted,
    );
    const sourceOf = (name: string) =>
      cases
        .find(({ row }) => row.name === name)!
        .configuration.split("-")
        .slice(0, -1);
    expect(sourceOf("tuned")).toHaveLength(1);
    expect(sourceOf("tuned")).toEqual(sourceOf("zero-shot"));
    expect(sourceOf("tuned-projected")).toEqual(sourceOf("zero-shot-projected"));
    expect(sourceOf("tuned-projected")).not.toEqual(sourceOf("tuned"));
    expect(sourceOf("scratch")).toEqual([]);
  });

  it("has rows whose settings are known", () => {
    for (const { set } of rows) expect(() => configOf("sasrec-text", set)).not.toThrow();
  });

  it("shows runs of the settings that rows have today, and no others", () => {
    const [asked] = casesOf({ only: ["scratch"], data: [pairs[0]!.target], seeds: [1] });
    const run = { ...madeUp("scratch", 1, 0.05), configuration: asked!.configuration };
    expect(currentRuns([run, { ...run, configuration: "0123456789ab" }])).toEqual([run]);
  });

  it("shows means and ranges beside popularity, and rows that are not there not at all", () => {
    const page = transferPage([
      madeUp("scratch", 0, 0.03),
      madeUp("scratch", 1, 0.05),
      madeUp("tuned", 0, 0.06),
    ]);
    expect(page).toContain("## amazon-sports → amazon-beauty, texts in the space of amazon-sports\n");
    expect(page).toMatch(/popularity, all users\s*\| \.0200\s*\| \.0100/);
    expect(page).toMatch(
      /from scratch, a tenth of the users\s*\| \.0800 \(\.0600–\.1000\)\s*\| \.0400 \(\.0300–\.0500\)\s*\| 2/,
    );
    expect(page).not.toContain("nothing learned here");
    expect(page).not.toContain("→ amazon-scientific");
  });
});
