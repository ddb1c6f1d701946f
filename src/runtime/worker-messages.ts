/** @file What the worker runtime and its thread say to each other. */
import type { DType, Tensor } from "../tensor/spec.ts";
import type { SessionOptions } from "./ort.ts";
import type { Draw, Feeds } from "./runtime.ts";

export type Request =
  | {
      kind: "open";
      call: number;
      session: number;
      bytes: Uint8Array;
      types: Record<string, DType>;
      options: SessionOptions;
    }
  | {
      kind: "run";
      call: number;
      session: number;
      feeds: Feeds;
      draw?: Draw | undefined;
    }
  | { kind: "release"; call: number; session: number }
  | { kind: "close"; call: number };

export type Reply =
  | { call: number; outputs?: Record<string, Tensor> }
  | { call: number; error: { message: string; code: string; badInput: boolean } };
