/** @file The thread of a content reader. */
import { workerData } from "node:worker_threads";
import { serveObject } from "../runtime/object-thread.ts";
import { type ContentSpec, runContent } from "./run-content.ts";

await serveObject(() => runContent(workerData as ContentSpec));
