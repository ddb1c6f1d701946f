/** @file Filtered requests: as many items as there can be, and never a filtered, excluded, deleted or seen one. */
import { createClient } from "../src/client.ts";
import { indexKinds } from "../src/retrieval/vector-index.ts";
import { stream } from "../src/tensor/random.ts";
import type { CaseOptions, CaseResult } from "./serving-case.ts";
import { startServe } from "./serving-process.ts";
import { itemFields, itemId } from "./serving-run.ts";

const items = 12_000;
const deleted = new Set(Array.from({ length: 300 }, (_, at) => 40 * at));

type Draw = (below: number) => number;

type Condition = boolean | Record<string, string[] | number>;

interface Asked {
  readonly history: readonly number[];
  readonly exclude: readonly number[];
  readonly k: number;
  readonly filter: Record<string, Condition>;
  readonly allows: (place: number) => boolean;
}

/** A random filter and what it means. */
function randomFilter(draw: Draw): Pick<Asked, "filter" | "allows"> {
  const filter: Record<string, Condition> = {};
  const tests: ((fields: ReturnType<typeof itemFields>) => boolean)[] = [];
  const genres = Array.from({ length: 1 + draw(3) }, () => `genre ${draw(12)}`);
  const negative = draw(4) === 0;
  if (draw(4) > 0) {
    filter.genre = { [negative ? "nin" : "in"]: genres };
    tests.push(({ genre }) => genres.includes(genre) !== negative);
  }
  const since = 1950 + draw(80);
  if (draw(2) === 0) {
    filter.year = { gte: since };
    tests.push(({ year }) => year >= since);
  }
  if (draw(5) === 0) {
    filter.rare = true;
    tests.push(({ rare }) => rare);
  }
  return { filter, allows: (place) => tests.every((test) => test(itemFields(place))) };
}

function* questions(count: number): Generator<Asked> {
  const draws = new Float32Array(100);
  const random = stream(3, "bench", "filters");
  for (let at = 0; at < count; at++) {
    random.fillUniform(draws);
    let next = 0;
    const draw: Draw = (below) => Math.floor(draws[next++ % draws.length]! * below);
    const some = (length: number) => Array.from({ length }, () => draw(items));
    const asked = { history: some(20), exclude: some(30), k: 1 + draw(50) };
    yield { ...asked, ...randomFilter(draw) };
  }
}

/** How many answers break the law. */
async function broken(address: string, count: number): Promise<{ short: number; wrong: number }> {
  const client = createClient({ url: address });
  for (const place of deleted) await client.deleteItem(itemId(place));
  let [short, wrong] = [0, 0];
  for (const { history, exclude, k, filter, allows } of questions(count)) {
    const barred = new Set([...history, ...exclude]);
    const may = (place: number): boolean => !barred.has(place) && !deleted.has(place) && allows(place);
    let there = 0;
    for (let place = 0; place < items && there < k; place++) if (may(place)) there++;
    const asked = { history: history.map(itemId), exclude: exclude.map(itemId), k, filter };
    const answer = await client.recommend(asked);
    if (answer.items.length !== there) short++;
    if (answer.items.some(({ id }) => !may(Number(id.slice("item-".length))))) wrong++;
  }
  return { short, wrong };
}

export async function measureFilters({ runOf, tries, onProgress }: CaseOptions): Promise<CaseResult> {
  const run = await runOf(items);
  const [requests, faults] = [tries(1000), { short: 0, wrong: 0 }];
  for (const index of indexKinds) {
    const server = await startServe(run, ["--store", "memory", "--index", index]);
    try {
      const { short, wrong } = await broken(server.address, requests);
      onProgress(`${index}: ${short} short, ${wrong} wrong of ${requests}`);
      faults.short += short;
      faults.wrong += wrong;
    } finally {
      await server.stop();
    }
  }
  const total = requests * indexKinds.length;
  return {
    requests: total,
    ...faults,
    bars: [
      {
        what: "filtered requests, by each of the three indexes",
        bar: "k items wherever k match; none filtered, excluded, deleted or seen",
        measured: `${total.toLocaleString("en-US")} requests: ${faults.short} with too few, ${faults.wrong} with a wrong one`,
        kept: faults.short + faults.wrong === 0,
      },
    ],
  };
}
