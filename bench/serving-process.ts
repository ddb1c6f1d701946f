/** @file `sequitur serve` in a process of its own, and as much load as it takes by autocannon. */
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
  readonly alive: () => boolean;
  /** Resident memory now and at most, in MB. */
  memory(): { readonly now: number; readonly peak: number };
  stop(): Promise<void>;
  /** Ends it without a warning, as the kernel does. */
  kill(): Promise<void>;
}

/** Starts the service on a run folder and waits until it listens. */
export async function startServe(
  run: string,
  args: readonly string[],
  onMessage: (text: string) => void = () => {},
): Promise<ServeProcess> {
  const began = performance.now();
  const child: ChildProcess = spawn(
    process.execPath,
    [program, "serve", "--run", run, "--port", "0", "--json", ...args],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  child.stderr!.on("data", (text: Buffer) => {
    log = (log + text.toString()).slice(-100_000);
    onMessage(text.toString().trimEnd());
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout! });
  const line = await Promise.race([once(lines, "line"), ended.then(() => undefined)]);
  if (line === undefined) throw new Error(`sequitur serve did not start: ${log}`);
  const { address } = JSON.parse(line[0] as string) as { address: string };
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    child.kill(name);
    await ended;
  };
  return {
    address,
    log: () => log,
    startSeconds: rounded((performance.now() - began) / 1000),
    alive: () => child.exitCode === null && child.signalCode === null,
    memory: () => residentMemory(child.pid!),
    stop: () => signal("SIGTERM"),
    kill: () => signal("SIGKILL"),
  };
}

function residentMemory(pid: number): { now: number; peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0) / 1024);
  return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}

/** Requests a second where every connection asks again as soon as it is answered. */
export async function mostRequests(
  address: string,
  {
    bodies,
    seconds,
    connections,
  }: { readonly bodies: readonly string[]; readonly seconds: number; readonly connections: number },
): Promise<{ readonly requestsPerSecond: number; readonly failed: number }> {
  const result = await autocannon({
    url: `${address}/v1/recommend`,
    connections,
    duration: seconds,
    method: "POST",
    headers: { "content-type": "application/json" },
    requests: bodies.map((body) => ({ method: "POST" as const, body })),
  });
  return {
    requestsPerSecond: rounded(result["2xx"] / result.duration, 4),
    failed: result.non2xx + result.errors,
  };
}
