import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importInteractions } from "../data/import.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { openRecommender } from "../serving/open-recommender.ts";
import type { RecommendRequest } from "../serving/recommender.ts";
import { memoryStore } from "../serving/state/memory-store.ts";
import { stream } from "../tensor/random.ts";
import { openRetriever } from "./open-retriever.ts";
import { openScorer } from "./open-scorer.ts";
import { train } from "./train.ts";

/** A world where time tells: after a minute comes the item after, after ten days the twentieth after. */
const items = 60;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-times-"));
  const random = stream(2, "times");
  const rows: string[] = [];
  for (let user = 0; user < 200; user++) {
    let [item, time] = [random.below(items), 1_600_000_000];
    for (let k = 0; k < 8; k++) {
      rows.push(`u${user},i${item},${time}`);
      const slow = random.below(2) === 1;
      time += slow ? 864_000 : 60;
      item = (item + (slow ? 20 : 1)) % items;
    }
  }
  await writeFile(join(folder, "log.csv"), `user_id,item_id,timestamp\n${rows.join("\n")}\n`);
  await importInteractions({ interactions: join(folder, "log.csv"), out: join(folder, "data") });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function quality(times: "none" | "past" | "next"): Promise<number> {
  const settings = {
    "items.dim": 16,
    "items.start": "noise",
    "loss.negatives": 60,
    "backbone.times": times,
    "backbone.dropout": 0,
    "training.maxLength": 8,
    "training.rowLength": 8,
    "training.batchTokens": 256,
    "training.learningRate": 0.01,
    "training.epochs": 25,
    "training.threads": 1,
  };
  const set = Object.entries(settings).map(([path, value]) => ({ path, value }));
  const out = join(folder, times);
  await train({ data: join(folder, "data"), out, recipe: "hstu", set });
  return (await evaluateRun({ run: out, openScorer })).metrics["NDCG@10"]!;
}

describe("a backbone that reads times", () => {
  it("tells what comes next where the moment of the question tells it, and is the only one that can", async () => {
    expect(await quality("next")).toBeGreaterThan(0.95);
    expect(await quality("past")).toBeLessThan(0.9);
    expect(await quality("none")).toBeLessThan(0.9);
  });

  it("is told the times of histories and of users when it recommends, and for when it does", async () => {
    const store = memoryStore();
    const run = join(folder, "next");
    const recommender = await openRecommender({
      run,
      openScorer,
      openRetriever,
      users: "required",
      events: store.events,
    });
    const [minute, tenDays] = [60, 864_000];
    const best = async (request: RecommendRequest) =>
      (await recommender.recommend({ ...request, k: 1 })).items[0]!.id;
    const given = { history: ["i3", "i4", "i5"], times: [0, minute, 2 * minute] };
    expect(await best({ ...given, at: 3 * minute })).toBe("i6");
    expect(await best({ ...given, at: 2 * minute + tenDays })).toBe("i25");
    const unlike = { history: ["gone", ...given.history], times: [-tenDays, ...given.times], at: 3 * minute };
    expect(await best(unlike)).toBe("i6"); // what the catalogue does not have goes with its time
    const report = (user: string, since: number) =>
      store.append(
        given.history.map((item, k) => ({ id: user + item, user, item, time: since + given.times[k]! })),
      );
    await report("then", 1000);
    expect(await best({ user: "then", at: 1000 + 3 * minute })).toBe("i6");
    expect(await best({ user: "then", at: 1000 + 2 * minute + tenDays })).toBe("i25");
    const now = Date.now() / 1000;
    await report("today", now - 3 * minute);
    await report("of late", now - 2 * minute - tenDays);
    expect(await best({ user: "today" })).toBe("i6"); // asked now
    expect(await best({ user: "of late" })).toBe("i25");
    const refused = async (request: RecommendRequest, message: string) =>
      expect(recommender.recommend(request)).rejects.toThrow(message);
    await refused({ history: ["i1"], times: [1, 2] }, "times: there are 2 for a history of 1 items");
    await refused({ history: ["i1"], at: 5 }, "at: a history without times is taken as of one moment");
    await refused({ user: "new", times: [1] }, "times: they belong to a history");
    await recommender.dispose();
  });

  it("is refused where only the order is known", async () => {
    await writeFile(join(folder, "order.csv"), "user_id,item_id,position\nu,a,1\nu,b,2\nu,c,3\nu,d,4\n");
    const data = join(folder, "order");
    await importInteractions({ interactions: join(folder, "order.csv"), out: data });
    const set = [{ path: "backbone.times", value: "past" }];
    await expect(train({ data, out: join(folder, "no"), recipe: "hstu", set })).rejects.toThrow(
      'backbone "hstu" with times needs those of the interactions, but only their order is known; import them with a timestamp column, or set backbone.times to none',
    );
  });
});
