/** @file Load at a rate: requests that are due at random moments, however slow the answers are. */
import { connect, type Socket } from "node:net";
import { stream } from "../src/tensor/random.ts";
import { rounded } from "./machine.ts";

export interface Load {
  readonly bodies: readonly string[];
  readonly seconds: number;
  readonly connections: number;
  /** Requests a second. */
  readonly rate: number;
}

/** One answer: its HTTP status, 0 where the connection broke. */
export interface Answer {
  readonly status: number;
  /** Milliseconds after the begin of the load when the request was due. */
  readonly due: number;
  /** Milliseconds from when it was due to the last byte of its answer. */
  readonly ms: number;
  /** Milliseconds from when it was sent. */
  readonly sentMs: number;
}

export interface LoadSummary {
  /** Answered with 200 a second. */
  readonly requestsPerSecond: number;
  /** Milliseconds of what was answered with 200. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly refused: number;
  /** Milliseconds from when it was sent, of what was answered with 503. */
  readonly refusal?: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Answers that are neither 200 nor 503, and connections that broke. */
  readonly failed: number;
  /** Of these, how many of each status; 0 where the connection broke. */
  readonly failures?: Readonly<Record<string, number>>;
}

/** How long to wait for the last answers. */
const patienceMs = 10_000;

/**
 * Sends POST /v1/recommend at a rate, the times between requests drawn as those of independent people (a Poisson
 * process). A request that is due while all connections wait for answers counts from when it was due.
 */
export async function load(address: string, options: Load): Promise<Answer[]> {
  const { seconds, rate, connections } = options;
  const { hostname, port } = new URL(address);
  const requests = options.bodies.map((body) => requestBytes(hostname, body));
  const dues = dueTimes(rate, seconds);
  const answers: Answer[] = [];
  const lines: Line[] = [];
  const free: Line[] = [];
  const waiting: number[] = [];
  const began = performance.now();
  let next = 0;
  let first = 0; // of those that wait

  function send(line: Line, at: number): void {
    const due = dues[at]!;
    const sent = performance.now() - began;
    line.ask(requests[at % requests.length]!, (status) => {
      const now = performance.now() - began;
      answers.push({ status, due, ms: now - due, sentMs: now - sent });
      if (first < waiting.length) send(line, waiting[first++]!);
      else free.push(line);
    });
  }

  /** Made when it is first used: a server closes connections on which nothing comes. */
  function newLine(): Line {
    const line = openLine(hostname, Number(port));
    lines.push(line);
    return line;
  }

  function sendDue(): void {
    const now = performance.now() - began;
    for (; next < dues.length && dues[next]! <= now; next++) {
      const line = free.pop() ?? (lines.length < connections ? newLine() : undefined);
      if (line) send(line, next);
      else waiting.push(next);
    }
  }

  const end = 1000 * seconds + patienceMs;
  while (answers.length < dues.length && performance.now() - began < end) {
    sendDue();
    await new Promise((resolve) => setTimeout(resolve, 0.5));
  }
  for (const line of lines) line.close();
  for (let at = answers.length; at < dues.length; at++)
    answers.push({ status: 0, due: 0, ms: patienceMs, sentMs: patienceMs });
  return answers;
}

/** Milliseconds at which requests are due. */
function dueTimes(rate: number, seconds: number): number[] {
  const draws = new Float32Array(Math.ceil(rate * seconds * 1.2) + 100);
  stream(11, "bench", "arrivals").fillUniform(draws);
  const dues: number[] = [];
  let at = 0;
  for (const draw of draws) {
    at -= (1000 / rate) * Math.log(1 - draw);
    if (at > 1000 * seconds) break;
    dues.push(at);
  }
  return dues;
}

const requestBytes = (host: string, body: string): Buffer =>
  Buffer.from(
    `POST /v1/recommend HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );

/** A connection that sends one request at a time. */
interface Line {
  ask(request: Buffer, answered: (status: number) => void): void;
  close(): void;
}

function openLine(host: string, port: number): Line {
  let answered: ((status: number) => void) | undefined;
  let pieces = "";

  function done(status: number): void {
    const tell = answered;
    answered = undefined;
    pieces = "";
    tell?.(status);
  }

  function open(): Socket {
    const socket = connect({ host, port, noDelay: true });
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      if (!answered) return void socket.destroy(); // the server closes a connection that was not used for long
      pieces += piece;
      const status = wholeAnswer(pieces);
      if (status !== undefined) done(status);
    });
    socket.on("error", () => {});
    socket.on("close", () => done(0)); // nothing, where no answer is awaited
    return socket;
  }

  let socket = open();
  return {
    ask(request, tell) {
      answered = tell;
      if (socket.destroyed) socket = open();
      socket.write(request);
    },
    close: () => socket.destroy(),
  };
}

/** The status of an answer that has come whole; undefined before. */
function wholeAnswer(text: string): number | undefined {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const length = /content-length: (\d+)/i.exec(text.slice(0, head));
  if (text.length < head + 4 + Number(length?.[1] ?? 0)) return undefined;
  return Number(text.slice(9, 12));
}

/** What answers say together. */
export function summary(answers: readonly Answer[], seconds: number): LoadSummary {
  const of = (status: number) => answers.filter((each) => each.status === status);
  const [given, refusals] = [of(200), of(503)];
  const at = percentiles(given.map(({ ms }) => ms));
  const refused = percentiles(refusals.map(({ sentMs }) => sentMs));
  return {
    requestsPerSecond: rounded(given.length / seconds, 4),
    p50: at(50),
    p95: at(95),
    p99: at(99),
    max: at(100),
    refused: refusals.length,
    ...(refusals.length > 0 ? { refusal: { p50: refused(50), p99: refused(99), max: refused(100) } } : {}),
    failed: answers.length - given.length - refusals.length,
    ...countFailures(answers),
  };
}

function countFailures(answers: readonly Answer[]): Pick<LoadSummary, "failures"> {
  const failures: Record<string, number> = {};
  for (const { status } of answers)
    if (status !== 200 && status !== 503) failures[status] = (failures[status] ?? 0) + 1;
  return Object.keys(failures).length > 0 ? { failures } : {};
}

/** The percentiles of some times, by nearest rank. */
export function percentiles(times: readonly number[]): (percent: number) => number {
  const sorted = Float64Array.from(times).sort();
  return (percent) =>
    rounded(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN, 4);
}
