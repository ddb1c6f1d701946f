/** @file Adam, with decoupled weight decay where asked for. */
import { z } from "zod";
import { defineOptimizer } from "../define.ts";

const config = z.strictObject({
  name: z.literal("adam").default("adam"),
  beta1: z.number().min(0).lt(1).default(0.9).describe("decay of the mean of the gradients"),
  beta2: z.number().min(0).lt(1).default(0.98).describe("decay of the mean of their squares"),
  epsilon: z.number().positive().default(1e-8).describe("keeps the division finite"),
  decay: z.number().min(0).default(0).describe("decoupled weight decay"),
});

/**
 * θ ← θ − lr · (m̂ / (√v̂ + ε) + decay · θ), with bias-corrected means m̂ and v̂.
 *
 * Source: Kingma & Ba 2015, arXiv:1412.6980; decay as in Loshchilov & Hutter 2019, arXiv:1711.05101.
 */
export const adam = defineOptimizer<z.infer<typeof config>>({
  name: "adam",
  source: "Kingma & Ba 2015, arXiv:1412.6980; decoupled decay of Loshchilov & Hutter 2019, arXiv:1711.05101",
  config,
  slots: ["m", "v"],
  elementwise: true,
  update({ param, gradient, slots, step, learningRate }, { beta1, beta2, epsilon, decay }) {
    const m = slots.m!;
    const v = slots.v!;
    const rate = learningRate / (1 - beta1 ** step);
    const correction = 1 / Math.sqrt(1 - beta2 ** step);
    const shrink = 1 - learningRate * decay;
    for (let i = 0; i < param.length; i++) {
      const g = gradient[i]!;
      const mean = beta1 * m[i]! + (1 - beta1) * g;
      const square = beta2 * v[i]! + (1 - beta2) * g * g;
      m[i] = mean;
      v[i] = square;
      param[i] = shrink * param[i]! - (rate * mean) / (Math.sqrt(square) * correction + epsilon);
    }
  },
});
