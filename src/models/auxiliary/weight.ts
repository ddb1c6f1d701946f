/** @file The setting that all auxiliary terms have. */
import { z } from "zod";

export const weightOf = (usual: number) =>
  z.number().min(0).max(1000).default(usual).describe("what the term is multiplied by; 0 leaves it out");
