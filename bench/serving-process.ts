/** @file `sequitur serve` in a process of its own, and load on it by autocannon. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import autocannon from "autocannon";
import { rounded } from "./machine.ts";

const program = join(import.meta.dirname, "../src/cli/main.js");

export interface ServeProcess {
  readonly address: string;
  /** What it wrote on standard error so far. */
  readonly log: () => string;
  /** Seconds from the start until it listened. */
  readonly startSeconds: number;
  /** Resident memory now and at most, in MB. */
  memory(): { now: number; peak: number };
  stop(): Promise<void>;
}

/** Starts the service on a run folder and waits until it listens. */
export async function startServe(run: string, args: readonly string[]): Promise<ServeProcess> {
  const began = performance.now();
  const child: ChildProcess = spawn(
    process.execPath,
    [program, "serve", "--run", run, "--port", "0", "--json", ...args],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  child.stderr!.on("data", (text: Buffer) => {
    log = (log + text.toString()).slice(-100_000);
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout! });
  const line = await Promise.race([once(lines, "line"), ended.then(() => undefined)]);
  if (line === undefined) throw new Error(`sequitur serve did not start: ${log}`);
  const { address } = JSON.parse(line[0] as string) as { address: string };
  return {
    address,
    log: () => log,
    startSeconds: rounded((performance.now() - began) / 1000),
    memory: () => residentMemory(child.pid!),
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function residentMemory(pid: number): { now: number; peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0) / 1024);
  return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}

export interface Load {
  readonly bodies: readonly string[];
  readonly seconds: number;
  readonly connections: number;
  /** Requests a second; as many as it takes without it. */
  readonly rate?: number;
}

export interface LoadResult {
  /** Answered with 200 a second. */
  readonly requestsPerSecond: number;
  /** Milliseconds of what was answered with 200. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly refused: number;
  /** 99th percentile and maximum in milliseconds of what was answered with 503. */
  readonly refusal?: { readonly p99: number; readonly max: number };
  /** Answers that are neither 200 nor 503, and connections that broke. */
  readonly failed: number;
}

/** Sends recommendations as fast as asked; a rate is held whether or not answers come in time. */
export async function load(address: string, options: Load): Promise<LoadResult> {
  const { bodies, seconds, connections, rate } = options;
  const times: number[] = [];
  const refusals: number[] = [];
  let failed = 0;
  const settings: autocannon.Options = {
    url: `${address}/v1/recommend`,
    connections,
    duration: seconds,
    timeout: 10,
    ...(rate === undefined ? {} : { overallRate: rate }),
    method: "POST",
    headers: { "content-type": "application/json" },
    requests: bodies.map((body) => ({ method: "POST" as const, body })),
  };
  const { errors, duration } = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(settings, (error, result) => (error ? reject(error) : resolve(result)));
    instance.on("response", (_client, status, _bytes, ms) => {
      if (status === 200) times.push(ms);
      else if (status === 503) refusals.push(ms);
      else failed++;
    });
  });
  const at = percentiles(times);
  const refused = percentiles(refusals);
  return {
    requestsPerSecond: rounded(times.length / duration, 4),
    p50: at(50),
    p95: at(95),
    p99: at(99),
    max: at(100),
    refused: refusals.length,
    ...(refusals.length > 0 ? { refusal: { p99: refused(99), max: refused(100) } } : {}),
    failed: failed + errors,
  };
}

/** The percentiles of some times, by nearest rank. */
export function percentiles(times: readonly number[]): (percent: number) => number {
  const sorted = Float64Array.from(times).sort();
  return (percent) =>
    rounded(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN, 4);
}
