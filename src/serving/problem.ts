/** @file Errors as RFC 9457 problem details. */

import { STATUS_CODES } from "node:http";
import { ConfigError, DataError, RuntimeFailure } from "../tensor/errors.ts";
import type { Problem } from "./schemas.ts";

export interface ProblemOptions {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: Problem["errors"];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A response of type application/problem+json. */
export function problemResponse(options: ProblemOptions): Response {
  return new Response(problemText(options), {
    status: options.status,
    headers: { ...options.headers, "content-type": "application/problem+json" },
  });
}

/** The body of such a response. */
export function problemText({ status, code, detail, errors }: ProblemOptions): string {
  const title = STATUS_CODES[status] ?? "Error";
  const body: Problem = { type: "about:blank", title, status, detail, code, ...(errors ? { errors } : {}) };
  return JSON.stringify(body);
}

const notFound = new Set(["unknown-user", "no-users", "unknown-item", "no-run", "no-dataset", "no-image"]);

/** What to say of failures that pass: their code, the seconds to wait, and a sentence that gives nothing away. */
const passing: Readonly<Record<string, readonly [string, number, string]>> = {
  busy: ["busy", 1, "the service has more requests than it can hold; try again a little later"],
  store: ["store", 5, "the service cannot read or store this now; its log has the reason"],
  worker: ["model-gone", 5, "the model thread has ended and could not be replaced; restart the service"],
  content: ["not-encoded", 5, "the item is stored but could not be encoded now; put it again"],
  stopping: ["stopping", 5, "the service is about to stop; ask another one"],
};

/** The problem that an error of the library is; what the caller cannot mend is told without its details. */
export function problemOf(error: unknown): ProblemOptions {
  if (error instanceof DataError || error instanceof ConfigError) {
    return { status: notFound.has(error.code) ? 404 : 422, code: error.code, detail: error.message };
  }
  if (error instanceof RuntimeFailure) {
    const known = passing[error.code];
    if (known) {
      const [code, seconds, detail] = known;
      return { status: 503, code, detail, headers: { "retry-after": String(seconds) } };
    }
    if (error.code === "no-reload") return { status: 409, code: error.code, detail: error.message };
  }
  return { status: 500, code: "internal", detail: "the server failed to answer; its log has the reason" };
}
