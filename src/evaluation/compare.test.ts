import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rankMetrics } from "../metrics/ranks.ts";
import { compareRuns, comparisonText } from "./compare.ts";
import { type Protocol, protocolFingerprint } from "./protocol.ts";
import { writeEvaluation } from "./result.ts";
import { readRunManifest, writeRunManifest } from "./run-folder.ts";
import { writeToyRun } from "./testing/toy-run.ts";

const protocol: Protocol = {
  dataset: "toy",
  split: { kind: "leave-one-out" },
  part: "test",
  seen: "exclude",
  candidates: "all",
  ties: "pessimistic",
  minInteractions: 3,
};
const users = ["a", 'says "b", aloud', "two\nlines", "d"];
const recipes = { text: "sasrec-text", id: "sasrec" } as const;

let folder = "";
const at = (name: string): string => join(folder, name);

/** An evaluated run that ranks the users' targets so. */
async function run(
  name: string,
  kind: keyof typeof recipes,
  ranks: readonly number[],
  named = users,
): Promise<string> {
  await writeToyRun(at(name), { items: ["x", "y"] });
  const recipe = recipes[kind];
  const config = { items: { name: kind }, training: { threads: name.length } };
  await writeRunManifest(at(name), { ...(await readRunManifest(at(name))), recipe, config });
  const metrics = rankMetrics(Int32Array.from(ranks));
  await writeEvaluation(
    at(name),
    {
      recipe,
      split: "test",
      users: ranks.length,
      items: 2,
      metrics,
      baselines: { popularity: metrics },
      fingerprint: protocolFingerprint(protocol),
      seed: 0,
      seconds: { train: 1, evaluate: 1 },
      protocol,
    },
    ranks.map((rank, i) => ({ user: named[i]!, target: "x,y", rank })),
  );
  return at(name);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-compare-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("runs of one protocol", () => {
  it("are tested against the first, a configuration's seeds as one", async () => {
    // NDCG@10 of ranks 1, 3 and beyond 10: 1, 1/2, 0. Means over users: id .375 and .375, text .625.
    const runs = [
      await run("id-0", "id", [3, 1, 11, 40]),
      await run("id-01", "id", [3, 11, 1, 12]),
      await run("text", "text", [1, 1, 3, 12]),
    ];
    const [table] = await compareRuns(runs, "test");
    const [test] = table!.tests;
    // Differences of the users' means: 1/2, 1/2, 0, 0; of 4 sign flips, 2 are as far from zero as 1.
    expect(table!.tests).toHaveLength(1);
    expect(test).toMatchObject({ pairs: 4, p: 2 / 4, flips: 4, against: { runs: runs.slice(0, 2) } });
    expect(test!.difference).toBeCloseTo(1 / 4, 12);
    expect(test!.relative).toBeCloseTo(2 / 3, 12);
    expect(comparisonText([table!])).toContain(
      `${at("text")} (sasrec-text) against 2 runs of sasrec (${at("id-0")} …): NDCG@10 +0.2500 (+66.7 %), p 0.50 (paired, two-sided, 4 sign flips over 4 users)`,
    );
  });

  it("are not tested where they differ by their seeds alone", async () => {
    const runs = [await run("one", "id", [1, 2, 3, 4]), await run("seed", "id", [1, 2, 3, 5])];
    const [table] = await compareRuns(runs, "test");
    expect(table!.tests).toEqual([]);
    expect(comparisonText([table!])).not.toContain("sign flips");
  });

  it("are refused where ranks are missing, altered or of others", async () => {
    const runs = [
      await run("first", "id", [1, 2, 3, 4]),
      await run("other", "text", [1, 2, 3, 4], ["a", "b", "c", "d"]),
    ];
    const ranks = join(at("other"), "ranks-test.csv");
    await expect(compareRuns(runs, "test")).rejects.toThrow(`${ranks}: these ranks are of other users`);
    await writeFile(ranks, "user,target,rank\na,x,1\nb,x,many\n");
    await expect(compareRuns(runs, "test")).rejects.toThrow(`${ranks}: line 3 is not user,target,rank`);
    await rm(ranks);
    await expect(compareRuns(runs, "test")).rejects.toThrow(`${ranks}: the ranks of this run are missing`);
  });
});
