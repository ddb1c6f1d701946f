/** @file How much memory there is. */
import { totalmem } from "node:os";

/** Bytes that this process may have at most: what the machine has, or what its container is given of it. */
export const memoryBytes = (): number => Math.min(totalmem(), process.constrainedMemory() || totalmem());
