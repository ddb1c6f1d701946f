/** @file Runs one training in a process of its own, so that its memory and its processor time are its own. */
import { fork } from "node:child_process";
import { join } from "node:path";
import { RuntimeFailure } from "../src/tensor/errors.ts";
import type { Job } from "./job.ts";
import { RunRecord } from "./record.ts";

/** What the process is told. */
export interface Task {
  readonly job: Job;
  /** The dataset folder. */
  readonly data: string;
  /** A folder of the run's own, which a killed run leaves behind and the next one continues. */
  readonly folder: string;
  readonly threads: number;
}

/** What the process tells. */
export type Message =
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "record"; readonly record: RunRecord }
  | { readonly kind: "error"; readonly message: string };

export type Execute = (
  task: Task,
  onProgress: (text: string) => void,
  signal?: AbortSignal,
) => Promise<RunRecord>;

const entry = join(import.meta.dirname, "child.js");

/** Trains and evaluates in a new process. @throws RuntimeFailure with the process's own sentence, or how it ended */
export const executeInProcess: Execute = (task, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const child = fork(entry, [], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let record: RunRecord | undefined;
    let failure = "";
    let errors = "";
    const stop = (): void => void child.kill();
    signal?.addEventListener("abort", stop, { once: true });
    child.stderr!.on("data", (text) => {
      errors = (errors + text).slice(-2000);
    });
    child.on("message", (message: Message) => {
      if (message.kind === "progress") onProgress(message.text);
      else if (message.kind === "record") record = RunRecord.parse(message.record);
      else failure = message.message;
    });
    child.on("error", reject);
    child.on("close", (code, by) => {
      signal?.removeEventListener("abort", stop);
      if (record) return resolve(record);
      const end = by === null ? `code ${code}` : by;
      const why =
        failure || `its process ended by ${end}; run the same again to continue it\n${errors}`.trimEnd();
      reject(new RuntimeFailure("run-failed", `${task.job.id}: ${why}`, { id: task.job.id }));
    });
    child.send(task);
  });
