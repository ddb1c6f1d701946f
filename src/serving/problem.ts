/** @file Errors as RFC 9457 problem details. */

import { STATUS_CODES } from "node:http";
import { ConfigError, DataError } from "../tensor/errors.ts";
import type { Problem } from "./schemas.ts";

export interface ProblemOptions {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: Problem["errors"];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A response of type application/problem+json. */
export function problemResponse({ status, code, detail, errors, headers }: ProblemOptions): Response {
  const title = STATUS_CODES[status] ?? "Error";
  const body: Problem = { type: "about:blank", title, status, detail, code, ...(errors ? { errors } : {}) };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, "content-type": "application/problem+json" },
  });
}

/** The problem that an error of the library is; what the caller cannot mend becomes 500 without its details. */
export function problemOf(error: unknown): ProblemOptions {
  if (error instanceof DataError || error instanceof ConfigError) {
    const status = error.code === "unknown-user" || error.code === "no-users" ? 404 : 422;
    return { status, code: error.code, detail: error.message };
  }
  return { status: 500, code: "internal", detail: "the server failed to answer; its log has the reason" };
}
