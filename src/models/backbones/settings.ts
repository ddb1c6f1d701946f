/** @file Settings that backbones have in common, each with its own default. */
import { z } from "zod";

export const blocks = (what: string) => z.int().min(1).max(64).default(2).describe(what);

export const heads = (usual: number) =>
  z.int().min(1).max(64).default(usual).describe("attention heads; must divide the width");

export const dropShare = (usual: number) =>
  z.number().min(0).max(0.95).default(usual).describe("share of elements dropped while training");

export const hidden = (usual: number) =>
  z
    .number()
    .positive()
    .max(16)
    .default(usual)
    .describe("width of the feed-forward layer, in widths of the model");
