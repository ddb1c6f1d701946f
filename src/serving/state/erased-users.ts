/** @file How an erased user is remembered without being named: by a keyed hash. */

import { createHmac, randomBytes } from "node:crypto";

/** A key for a new storage, as hexadecimal digits. */
export const newErasureKey = (): string => randomBytes(32).toString("hex");

/** The same digits for the same user and key; without the key they tell nothing. */
export const erasureMark = (key: string, user: string): string =>
  createHmac("sha256", Buffer.from(key, "hex")).update(user).digest("hex");
