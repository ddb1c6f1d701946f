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
  /**
   * Keeps places for so many questions that will be asked a few at a time: they count as waiting. Where nobody waits, any
   * number is taken.
   *
   * @throws RuntimeFailure of code "busy" where the queue has no place for them all
   */
  hold(count: number): Places<Q, A>;
  /** How many wait for their batch, or have a place kept for them. */
  readonly waiting: number;
  /** True where the next question would be refused. */
  readonly full: boolean;
}

/** Places in the queue that are kept. */
export interface Places<Q, A> {
  /** Takes one of the places, so that it is not refused. */
  ask(question: Q): Promise<A>;
  /** Gives back those that were not taken. */
  release(): void;
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
  let held = 0;
  let busy = false;
  let msPerQuestion = 0; // moving average
  let first = true; // what is made ready at the first run says nothing about the others

  function full(count = 1): boolean {
    const ahead = waiting.length + held;
    if (ahead === 0) return false;
    if (ahead + count > queue) return true;
    return ahead >= Math.min(most, few) && (ahead + count - 1) * msPerQuestion > maxWaitMs;
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

  function refuseFull(count: number): void {
    if (full(count)) throw new RuntimeFailure("busy", "too many requests wait for the model");
  }

  function push(question: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      if (busy) return;
      busy = true;
      void nextTurn().then(flush);
    });
  }

  return {
    async ask(question) {
      refuseFull(1);
      return push(question);
    },
    hold(count) {
      refuseFull(count);
      let left = count;
      held += count;
      const giveBack = (places: number): void => {
        left -= places;
        held -= places;
      };
      return {
        ask(question) {
          giveBack(Math.min(1, left));
          return push(question);
        },
        release: () => giveBack(left),
      };
    },
    get waiting() {
      return waiting.length + held;
    },
    get full() {
      return full();
    },
  };
}
