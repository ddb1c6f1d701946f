/** @file What the service does under overload, reloads, wrong requests and events, on 12,000 items. */
import { rm } from "node:fs/promises";
import { createClient } from "../src/client.ts";
import { median, rounded } from "./machine.ts";
import { atMost, type Bar, bodies, type CaseOptions, type CaseResult } from "./serving-case.ts";
import { fuzzServer } from "./serving-fuzz.ts";
import { load, summary } from "./serving-load.ts";
import { mostRequests, type ServeProcess, startServe } from "./serving-process.ts";

const items = 12_000;

/** Serves the small catalogue while `work` measures. */
async function served<T>(
  { runOf }: CaseOptions,
  args: readonly string[],
  work: (server: ServeProcess) => Promise<T>,
): Promise<T> {
  const run = await runOf(items);
  const server = await startServe(run, args);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Every event must change its user's next answer: the user is known at once, and what was seen does not come again. */
export async function measureVisible(options: CaseOptions): Promise<CaseResult> {
  const tries = options.tries(10_000);
  const state = `${await options.runOf(items)}.visible-${process.pid}`;
  const work = served(options, ["--state", state], async ({ address }) => {
    const client = createClient({ url: address });
    let visible = 0;
    let next = 0;
    const began = performance.now();
    async function sender(): Promise<void> {
      while (next < tries) {
        const at = next++;
        const user = `visitor ${at % 1000}`;
        const before = at < 1000 ? undefined : await client.recommend({ user, k: 1 });
        const item = before?.items[0]?.id ?? `item-${at}`; // what would come first must be gone afterwards
        await client.events([{ user, item }]);
        const { items: found } = await client.recommend({ user, k: 5 });
        if (found.length === 5 && found.every(({ id }) => id !== item)) visible++;
        if (at % 1000 === 999) options.onProgress(`${at + 1} of ${tries}`);
      }
    }
    await Promise.all(Array.from({ length: 4 }, sender));
    const bar = {
      what: "an event, then its user's next answer",
      bar: "visible, always",
      measured: `${visible.toLocaleString("en-US")} of ${tries.toLocaleString("en-US")} tries`,
      kept: visible === tries,
    };
    const perSecond = rounded(tries / ((performance.now() - began) / 1000));
    return { bars: [bar], tries, visible, perSecond };
  });
  return work.finally(() => rm(state, { recursive: true, force: true }));
}

/** Reloads while requests come; none may fail. */
export function measureReload(options: CaseOptions): Promise<CaseResult> {
  return served(options, ["--store", "memory"], async ({ address }) => {
    const seconds = options.seconds(20);
    const client = createClient({ url: address });
    const questions = bodies(items);
    const asked = { bodies: questions, connections: 16, rate: 100 };
    await load(address, { ...asked, seconds: 2 });
    const running = load(address, { ...asked, seconds });
    let reloads = 0;
    const end = performance.now() + 1000 * (seconds - 1);
    while (performance.now() < end) {
      await client.reload();
      reloads++;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const under = summary(await running, seconds);
    const failed = under.failed + under.refused;
    const bar = {
      what: `${reloads} reloads under 100 requests/s`,
      bar: "no failed request",
      measured: `${failed} failed, 99th percentile ${under.p99} ms`,
      kept: failed === 0,
    };
    return { bars: [bar], reloads, ...under };
  });
}

export function measureFuzz(options: CaseOptions): Promise<CaseResult> {
  return served(options, ["--store", "memory"], async ({ address }) => {
    const result = await fuzzServer(address, options.tries(10_000), options.onProgress);
    const { requests, faults, traces, broken, alive } = result;
    const bar = {
      what: "malformed requests, made from the schemas",
      bar: "no 5xx, no crash, no stack trace",
      measured: `${requests.toLocaleString("en-US")} sent: ${faults} of 5xx, ${traces} stack traces, ${broken} broken connections${alive ? "" : ", and the service was gone"}`,
      kept: alive && faults + traces + broken === 0,
    };
    return { bars: [bar], ...result };
  });
}

/** What the 99th percentile of milliseconds is to stay within where the service holds its load. */
const normalMs = 20;

/** How often a rate is tried before it counts as too much: other work on the machine makes single tries slow. */
const tries = 3;

/** The most requests a second, of these, at which the 99th percentile stays within what is normal, in one try at least. */
async function holds({ address }: ServeProcess, { seconds, onProgress }: CaseOptions): Promise<number> {
  const questions = bodies(items);
  await mostRequests(address, { bodies: questions, seconds: seconds(5), connections: 32 });
  const holdsRate = async (rate: number): Promise<boolean> => {
    const duration = seconds(5);
    const asked = { bodies: questions, seconds: duration, connections: 128, rate };
    const { p99, refused, failed } = summary(await load(address, asked), duration);
    onProgress(`${rate}/s: 99th percentile ${p99} ms`);
    return p99 <= normalMs && refused + failed === 0;
  };
  let held = 0;
  for (let rate = 600; ; rate = Math.round(1.2 * rate)) {
    let holding = false;
    for (let k = 0; k < tries && !holding; k++) holding = await holdsRate(rate);
    if (!holding) return held;
    held = rate;
  }
}

/** Five times the load that it can hold, then little. */
export function measureOverload(options: CaseOptions): Promise<CaseResult> {
  return served(options, ["--store", "memory"], async (server) => {
    const { seconds, onProgress } = options;
    const { address } = server;
    const questions = bodies(items);
    const held = await holds(server, options);
    if (held === 0) throw new Error("the service does not hold the lowest rate; is the machine busy?");
    const rate = 5 * held;
    const megabytes = [server.memory().now];
    const clock = setInterval(() => megabytes.push(server.memory().now), 1000);
    const duration = seconds(60);
    const flood = { bodies: questions, seconds: duration, connections: 2000, rate };
    const under = summary(await load(address, flood), duration);
    clearInterval(clock);
    onProgress(JSON.stringify(under));
    const calm = { bodies: questions, seconds: 8, connections: 16, rate: 100 };
    const after = await load(address, calm);
    const later = summary(
      after.filter(({ due }) => due > 2000),
      6,
    );
    return {
      bars: overloadBars({ rate, under, megabytes, later, alive: server.alive() }),
      ...{ holds: held, rate, under, megabytes },
      afterwards: { atOnce: summary(after, 8), later },
    };
  });
}

interface Flooded {
  readonly rate: number;
  readonly under: ReturnType<typeof summary>;
  readonly megabytes: readonly number[];
  readonly later: ReturnType<typeof summary>;
  readonly alive: boolean;
}

function overloadBars({ rate, under, megabytes, later, alive }: Flooded): Bar[] {
  const of = `${rate.toLocaleString("en-US")} requests/s, five times what it holds`;
  const half = Math.ceil(megabytes.length / 2);
  const [before, after] = [Math.max(...megabytes.slice(1, half)), Math.max(...megabytes.slice(half))];
  return [
    {
      what: of,
      bar: "no crash",
      measured: `${alive ? "it goes on" : "gone"}, ${under.requestsPerSecond}/s answered (99th percentile ${under.p99} ms), ${under.failed} failed`,
      kept: alive && under.failed === 0,
    },
    atMost("refusals, 99th percentile", 50, under.refusal?.p99 ?? 0, " ms"),
    {
      what: "memory meanwhile",
      bar: "bounded",
      measured: `${megabytes[0]} MB before, at most ${before} in the first and ${after} in the second half`,
      kept: after <= 1.1 * before,
    },
    {
      ...atMost("from 2 s after it, 99th percentile at 100/s", normalMs, later.p99, " ms"),
      kept: later.p99 <= normalMs && later.refused + later.failed === 0,
    },
  ];
}

/** Whether memory stays where it is: medians, because a collection that is due makes single values high. */
export function flatness(requests: number, megabytes: readonly number[]): Bar {
  const third = Math.ceil(megabytes.length / 3);
  const [second, last] = [median(megabytes.slice(third, -third)), median(megabytes.slice(-third))];
  return {
    what: `memory over ${requests.toLocaleString("en-US")} requests`,
    bar: "flat",
    measured: `medians of ${second} MB in the second and ${last} MB in the last third, at most ${Math.max(...megabytes)} MB`,
    kept: last <= 1.05 * second,
  };
}

/** Memory while many requests are answered, every five seconds. */
export function measureSoak(options: CaseOptions): Promise<CaseResult> {
  return served(options, ["--store", "memory"], async (server) => {
    const questions = bodies(items);
    const megabytes: number[] = [];
    let answered = 0;
    while (answered < options.soak) {
      const part = await mostRequests(server.address, { bodies: questions, seconds: 5, connections: 16 });
      answered += Math.round(part.requestsPerSecond * 5);
      megabytes.push(server.memory().now);
      options.onProgress(`${answered} requests, ${megabytes.at(-1)} MB`);
      if (part.requestsPerSecond === 0) throw new Error("the service does not answer any more");
    }
    return { bars: [flatness(answered, megabytes)], requests: answered, megabytes };
  });
}
