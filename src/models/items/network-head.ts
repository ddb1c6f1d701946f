/** @file What item encoders with a pretrained network have in common: its settings and the map to an item vector. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { where } from "../../graph/ops/index.ts";
import { activations, linear } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import type { ItemVectors } from "../define.ts";
import { adaptationSettings } from "./adaptation.ts";

export const networkSettings = {
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
  ...adaptationSettings,
  hidden: z
    .int()
    .min(0)
    .max(16_384)
    .default(0)
    .describe("width of a hidden layer between the network and the item vector; 0: there is none"),
  activation: z
    .enum(["none", "relu", "gelu", "silu"])
    .default("gelu")
    .describe("non-linearity behind each layer of the head"),
  atOnce: z
    .int()
    .min(1)
    .default(256)
    .describe("items that go through the network together when all are encoded, after each epoch"),
};

interface Head {
  readonly dim: number;
  readonly hidden: number;
  readonly activation: "none" | keyof typeof activations;
}

/** f(W·x + b), once or twice; items that are not known share a learned vector. */
export function networkHead(
  p: Params,
  x: Value,
  { known, dim, hidden, activation }: Head & { readonly known: Value },
): ItemVectors {
  const f = activation === "none" ? (y: Value) => y : activations[activation];
  const inner = hidden > 0 ? f(linear(p.at("inner"), x, hidden)) : x;
  return { vectors: where(known, f(linear(p.at("head"), inner, dim)), p.bias("missing", dim)), known };
}
