/** @file Starts a server in a process of its own, and events that stream into it until it dies. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

const entry = new URL("./live-server.fixture.js", import.meta.url);

/** A server that may be killed. */
export interface LiveServer {
  readonly address: string;
  readonly process: ChildProcess;
  /** Errors that the server has logged so far. */
  readonly errors: readonly string[];
  /** Ends it without a warning, as the kernel does. */
  kill(): Promise<void>;
  /** Asks it to end. */
  stop(): Promise<void>;
}

export interface LiveServerOptions {
  readonly directory: string;
  /** A PostgreSQL address; the embedded store without it. */
  readonly store?: string | undefined;
  /** Programs and arguments before node's own, such as a shell that sets limits. */
  readonly execPath?: string;
  readonly uid?: number;
}

/** Starts it and waits until it listens; fails with the sentence that it failed with. */
export async function startLiveServer(options: LiveServerOptions): Promise<LiveServer> {
  const { directory, store, execPath = process.execPath, uid } = options;
  const args = store === undefined ? [directory] : [directory, store];
  const child = fork(entry, args, { execPath, ...(uid === undefined ? {} : { uid }) });
  const errors: string[] = [];
  child.on("message", (message: { error?: string }) => {
    if (message.error !== undefined) errors.push(message.error);
  });
  const ended = once(child, "exit");
  const first = await Promise.race([once(child, "message"), ended.then(() => [{ failure: "it ended" }])]);
  const { address, failure } = first[0] as { address?: string; failure?: string };
  if (address === undefined) {
    await ended;
    throw new Error(failure);
  }
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    child.kill(name);
    await ended;
  };
  return { address, process: child, errors, kill: () => signal("SIGKILL"), stop: () => signal("SIGTERM") };
}

export interface Stream {
  /** Ids of the events that the server has acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** Resolves when no sender can go on. */
  readonly done: Promise<void>;
}

export interface StreamOptions {
  /** 8 by default. */
  readonly senders?: number;
  /** The item of an event by its number; those of the cycle world by default. */
  readonly itemOf?: (at: number) => string;
}

/** Sends events, one in a post, from several senders at once, until there are enough or the server is gone. */
export function streamEvents(address: string, most: number, options: StreamOptions = {}): Stream {
  const { senders = 8, itemOf = (at) => "abcdef"[at % 6]! } = options;
  const acknowledged = new Set<string>();
  let next = 0;
  async function send(): Promise<void> {
    while (next < most) {
      const at = next++;
      const event = { id: `event ${at}`, user: `user ${at % 100}`, item: itemOf(at), time: at };
      try {
        const body = JSON.stringify({ events: [event] });
        const answer = await fetch(`${address}/v1/events`, { method: "POST", body });
        if (answer.status === 200) acknowledged.add(event.id);
        await answer.arrayBuffer();
      } catch {
        return;
      }
    }
  }
  return { acknowledged, done: Promise.all(Array.from({ length: senders }, send)).then(() => {}) };
}

/** How many acknowledged events the server does not know any more: sent again, they are no duplicates. */
export async function lostEvents(address: string, acknowledged: ReadonlySet<string>): Promise<number> {
  const events = [...acknowledged].map((id) => ({ id, user: "checker", item: "a" }));
  let lost = 0;
  for (let start = 0; start < events.length; start += 5000) {
    const part = events.slice(start, start + 5000);
    const body = JSON.stringify({ events: part });
    const answer = await fetch(`${address}/v1/events`, { method: "POST", body });
    const { duplicates } = (await answer.json()) as { duplicates: number };
    lost += part.length - duplicates;
  }
  return lost;
}
