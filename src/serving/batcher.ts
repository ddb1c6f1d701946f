/** @file Answers concurrent requests together: one call of the model for many; a queue that is too long refuses at once. */

import { nextTurn } from "../runtime/next-turn.ts";
import { RuntimeFailure } from "../tensor/errors.ts";

export interface QueueOptions {
  /** The most requests that wait; 1,024 by default. */
  readonly queue?: number | undefined;
  /** Requests that would wait longer than this for the model are refused at once; 1,000 ms by default. */
  readonly maxWaitMs?: number | undefined;
  /** Told the size of every batch and how long it took. */
  readonly onBatch?: ((size: number, ms: number) => void) | undefined;
}

export interface BatcherOptions<Q, A> extends QueueOptions {
  /** Answers 1 to `most` questions, in their order. */
  readonly run: (questions: readonly Q[]) => Promise<readonly A[]>;
  readonly most: number;
}

export interface Batcher<Q, A> {
  /** @throws RuntimeFailure of code "busy" where too many wait already */
  ask(question: Q): Promise<A>;
  /** How many wait for their batch. */
  readonly waiting: number;
  /** True where the next question would be refused. */
  readonly full: boolean;
}

interface Waiting<Q, A> {
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/** So many may always wait: questions that are answered together cost less each. */
const few = 8;

/**
 * Gathers the questions that arrive in one turn of the event loop or while the model is busy. A question never waits
 * for others when the model is free. How long a newcomer would wait is known from how long the last batches took.
 */
export function createBatcher<Q, A>(options: BatcherOptions<Q, A>): Batcher<Q, A> {
  const { run, most, queue = 1024, maxWaitMs = 1000, onBatch } = options;
  let waiting: Waiting<Q, A>[] = [];
  let busy = false;
  let msPerQuestion = 0; // moving average
  let first = true; // what is made ready at the first run says nothing about the others

  function full(): boolean {
    if (waiting.length >= queue) return true;
    return waiting.length >= Math.min(most, few) && waiting.length * msPerQuestion > maxWaitMs;
  }

  async function flush(): Promise<void> {
    const taken = waiting.slice(0, most);
    waiting = waiting.slice(most);
    const start = performance.now();
    try {
      const answers = await run(taken.map(({ question }) => question));
      taken.forEach(({ resolve }, q) => {
        resolve(answers[q]!);
      });
    } catch (error) {
      for (const { reject } of taken) reject(error);
    }
    const ms = performance.now() - start;
    if (!first) msPerQuestion += 0.2 * (ms / taken.length - msPerQuestion);
    first = false;
    onBatch?.(taken.length, ms);
    busy = waiting.length > 0;
    if (busy) flushSoon();
  }

  /** At once where the batch is full: where very many connections are busy, the event loop's turn may take seconds. */
  function flushSoon(): void {
    if (waiting.length >= most) void flush();
    else void nextTurn().then(flush);
  }

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (full()) return reject(new RuntimeFailure("busy", "too many requests wait for the model"));
        waiting.push({ question, resolve, reject });
        if (busy) return;
        busy = true;
        void nextTurn().then(flush);
      }),
    get waiting() {
      return waiting.length;
    },
    get full() {
      return full();
    },
  };
}
