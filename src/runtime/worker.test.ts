import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { leastProgram } from "./compile.ts";
import { workerRuntime } from "./worker.ts";

const feeds = { x: { data: Float32Array.of(41), shape: [1] } };

test("a program runs again when its thread has ended, until threads end too often", async () => {
  const threads: Worker[] = [];
  const noted = (thread: Worker) => threads.push(thread);
  process.on("worker", noted);
  const runtime = workerRuntime();
  const program = await runtime.compile(leastProgram());
  const answer = async () => (await program.run(feeds)).y!.data[0];
  expect(await answer()).toBe(42);
  for (let death = 0; death < 3; death++) {
    await threads.at(-1)!.terminate();
    expect(await answer()).toBe(42);
  }
  await threads.at(-1)!.terminate();
  await expect(answer()).rejects.toThrow("the model thread has ended");
  process.off("worker", noted);
  expect(threads).toHaveLength(4);
  await program.dispose();
  await runtime.dispose();
});

test("a run that is lost with its thread is run again", async () => {
  const threads: Worker[] = [];
  const noted = (thread: Worker) => threads.push(thread);
  process.on("worker", noted);
  const runtime = workerRuntime();
  const program = await runtime.compile(leastProgram());
  await program.run(feeds);
  const running = program.run(feeds);
  await threads[0]!.terminate();
  expect((await running).y!.data[0]).toBe(42);
  process.off("worker", noted);
  await runtime.dispose();
});
