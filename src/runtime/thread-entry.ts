/** @file The thread of `callInThread`. */
import { parentPort, workerData } from "node:worker_threads";
import type { ThreadCall } from "./thread.ts";

const { module, name, argument } = workerData as ThreadCall;
const exported = (await import(module)) as Record<string, (argument: unknown) => unknown>;
parentPort!.postMessage(exported[name]!(argument));
