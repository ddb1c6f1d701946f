/** @file Keys of contents: what has the same key need not be encoded again. */

import { createHash } from "node:crypto";
import { KEY_BYTES } from "../data/features.ts";

/** The start of the SHA-256 of what an encoder, as it is set, is given. */
export function contentKey(encoder: string, content: string | Uint8Array): Uint8Array {
  const hash = createHash("sha256").update(encoder).update("\0").update(content).digest();
  return new Uint8Array(hash.subarray(0, KEY_BYTES));
}

/** A key as text. */
export const keyText = (key: Uint8Array): string => Buffer.from(key).toString("hex");
