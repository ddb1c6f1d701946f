/** @file The module that the page of the browser test loads. */
import { type WebDevice, webRuntime } from "../src/web.ts";
import { trainAndScore } from "./browser-job.ts";

/** The figures on a device, or on the one that the runtime chooses. */
const figures = (device?: WebDevice) => trainAndScore(webRuntime(device ? { device } : {}));

Object.assign(globalThis, { figures });
