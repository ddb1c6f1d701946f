/** @file Errors as RFC 9457 problem details. */

import { STATUS_CODES } from "node:http";
import { isBadInput, RuntimeFailure } from "../tensor/errors.ts";
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
export const problemText = (options: ProblemOptions): string => JSON.stringify(problemBody(options));

/** The problem itself. */
export function problemBody({ status, code, detail, errors }: ProblemOptions): Problem {
  const title = STATUS_CODES[status] ?? "Error";
  return { type: "about:blank", title, status, detail, code, ...(errors ? { errors } : {}) };
}

/** What a request itself can cause, by the code of the error; such sentences name nothing of the machine. */
const asked: ReadonlyMap<string, number> = new Map([
  ["unknown-user", 404],
  ["no-users", 404],
  ["unknown-item", 404],
  ["no-run", 404],
  ["no-dataset", 404],
  ["no-image", 404],
  ["no-reload", 409],
  ["history-or-user", 422],
  ["bad-k", 422],
  ["bad-times", 422],
  ["bad-filter", 422],
  ["bad-diversity", 422],
  ["bad-features", 422],
  ["no-vectors", 422],
]);

/** What to say of failures that pass: their code, the seconds to wait, and a sentence that gives nothing away. */
const passing: Readonly<Record<string, readonly [string, number, string]>> = {
  busy: ["busy", 1, "the service has more requests than it can hold; try again a little later"],
  store: ["store", 5, "the service cannot read or store this now; its log has the reason"],
  worker: ["model-gone", 5, "the model thread has ended and could not be replaced; restart the service"],
  content: ["not-encoded", 5, "the item is stored but could not be encoded now; put it again"],
  stopping: ["stopping", 5, "the service is about to stop; ask another one"],
};

/** The problem that an error of the library is; what the caller did not cause is told without its details. */
export function problemOf(error: unknown): ProblemOptions {
  if (isBadInput(error) || error instanceof RuntimeFailure) {
    const { code, message } = error;
    const status = asked.get(code);
    if (status !== undefined) return { status, code, detail: message };
  }
  const known = error instanceof RuntimeFailure ? passing[error.code] : undefined;
  if (known) {
    const [code, seconds, detail] = known;
    return { status: 503, code, detail, headers: { "retry-after": String(seconds) } };
  }
  return { status: 500, code: "internal", detail: "the server failed to answer; its log has the reason" };
}
