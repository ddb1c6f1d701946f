/** @file What an evaluation measured, exactly: two numbers may stand in one table only where this is equal. */

import { createHash } from "node:crypto";
import { z } from "zod";
import { SplitSettings } from "./run-folder.ts";

/** Everything that decides what a metric means. */
export const Protocol = z.strictObject({
  /** The dataset's own fingerprint: its data, filters and order. */
  dataset: z.string(),
  split: SplitSettings,
  part: z.enum(["test", "validation"]),
  seen: z.enum(["exclude", "include"]),
  candidates: z.literal("all"),
  ties: z.literal("pessimistic"),
  /** Users with fewer interactions are not evaluated. */
  minInteractions: z.int().positive(),
});
export type Protocol = z.infer<typeof Protocol>;

/** The first 16 hexadecimal digits of a SHA-256 over the protocol, whatever the order of its keys. */
export function protocolFingerprint(protocol: Protocol): string {
  return createHash("sha256").update(canonical(protocol)).digest("hex").slice(0, 16);
}

/** JSON with the keys of every object in order, so that equal values give equal texts. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

/** The protocol in one line, for under a table. */
export function describeProtocol(protocol: Protocol, users: number, items: number): string {
  const { split } = protocol;
  const cuts = `${split.kind === "global-time" ? ` ${split.validationFraction}/${split.testFraction}` : ""}`;
  const cold = split.cold
    ? [`${split.cold.share * 100} % of the items kept from training (seed ${split.cold.seed})`]
    : [];
  return [
    `${split.kind}${cuts}, ${protocol.part}`,
    ...cold,
    `${users.toLocaleString("en-US")} users with at least ${protocol.minInteractions} interactions`,
    `all ${items.toLocaleString("en-US")} items ranked`,
    `seen items ${protocol.seen}d`,
    "ties count against the model",
    `fingerprint ${protocolFingerprint(protocol)}`,
  ].join(" · ");
}
