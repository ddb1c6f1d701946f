/** @file Made-up questions before the first of people: programs are compiled while they run. */

import type { Retriever } from "../retrieval/retriever.ts";

/** The longest that is asked, and the most often. */
const most = { ms: 500, rounds: 200 } as const;
/** Items of a history, and primes far from each other, so that histories differ. */
const [length, stride, jump] = [20, 104_729, 7919];

/** Asks a retriever for histories of its own items, one and several at a time. */
export async function warmUp(retriever: Pick<Retriever, "items" | "batch" | "retrieve">): Promise<void> {
  const { items, batch } = retriever;
  const end = performance.now() + most.ms;
  for (let round = 0; round < most.rounds && performance.now() < end; round++) {
    const asks = Array.from({ length: Math.min(batch, 1 << (round % 6)) }, (_, ask) => {
      const first = jump * (batch * round + ask);
      const history = Int32Array.from({ length }, (_, place) => (first + stride * place) % items);
      return { history, k: 10, excluded: history };
    });
    await retriever.retrieve(asks);
  }
}
