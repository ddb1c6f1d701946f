/** @file Side-adapted networks beside frozen encoders: what IISAN makes of their hidden states. */
import type { Value } from "../../graph/graph.ts";
import { add, matmul, mul, sigmoid, sub } from "../../graph/ops/index.ts";
import { activations, linear } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";

export interface TowerOptions {
  /** Width of the bottleneck of a block. */
  readonly bottleneck: number;
  /** Whether what comes in is weighed by learned gates, or added up. */
  readonly gated: boolean;
  /** Whether the first state goes through a block, or is what the tower starts from. */
  readonly first: "block" | "start";
}

/** Standard deviation of a block's matrices at the start. */
const deviation = 0.01;
/** Divides a gate's parameter, so that gates open and close quickly. */
const temperature = 0.1;

/** x + W₂·gelu(W₁·x + b₁) + b₂: [N, D] → [N, D]. */
function block(p: Params, x: Value, size: number): Value {
  const width = x.size(-1) as number;
  const layer = (from: Value, name: string, inputs: number, outputs: number): Value => {
    const at = p.at(name);
    const weight = at.weight("weight", [inputs, outputs], { deviation });
    return add(matmul(from, weight), at.bias("bias", outputs));
  };
  const inner = activations.gelu(layer(x, "down", width, size));
  return add(x, layer(inner, "up", size, width));
}

/** σ(g / 0.1), g from 0: a half at the start. */
const gate = (p: Params): Value => sigmoid(mul(p.weight("gate", [1], { constant: 0 }), 1 / temperature));

/** m·a + (1 − m)·b. */
const mixed = (m: Value, a: Value, b: Value): Value => add(mul(m, a), mul(sub(1, m), b));

/** sₖ = A(μ·hₖ + (1 − μ)·sₖ₋₁) over the states of one encoder, from s₀ = 0: [N, D] each → [N, D]. */
export function intraTower(
  p: Params,
  states: readonly Value[],
  { bottleneck, gated, first }: TowerOptions,
): Value {
  let state = first === "start" ? states[0]! : null;
  states.slice(first === "start" ? 1 : 0).forEach((h, k) => {
    const at = p.at(`block${k}`);
    const mu = gated ? gate(at) : null;
    const alone = mu ? mul(mu, h) : h;
    const both = state && (mu ? mixed(mu, h, state) : add(h, state));
    state = block(at, both ?? alone, bottleneck);
  });
  return state!;
}

/**
 * mₖ = A(mₖ₋₁ + β·vₖ + (1 − β)·tₖ), from m₀ = 0, over the topmost states that both encoders have; the wider ones are
 * mapped to the narrower width first: [N, Dₜ], [N, Dᵥ] each → [N, min(Dₜ, Dᵥ)].
 */
export function interTower(
  p: Params,
  [text, image]: readonly [readonly Value[], readonly Value[]],
  { bottleneck, gated, first }: TowerOptions,
): Value {
  const blocks = Math.min(text.length, image.length) - (first === "start" ? 1 : 0);
  const width = Math.min(...[text, image].map(([h]) => h!.size(-1) as number));
  let state: Value | null = null;
  for (let k = 0; k < blocks; k++) {
    const at = p.at(`block${k}`);
    const [t, v] = [text, image].map((states) => {
      const h = states[states.length - blocks + k]!;
      return h.size(-1) === width ? h : linear(at.at("align"), h, width);
    });
    const both: Value = gated ? mixed(gate(at), v!, t!) : add(v!, t!);
    state = block(at, state ? add(state, both) : both, bottleneck);
  }
  return state!;
}

/**
 * Which of so many states are read: `blocks` of them, evenly from the first to the last, the last of each group of layers
 * (group layer-dropping); of 13 states 7 are 0, 2, 4, … 12.
 */
export const keptLayers = (states: number, blocks: number): number[] => [
  ...new Set(
    Array.from({ length: blocks }, (_, j) => Math.round((j * (states - 1)) / Math.max(1, blocks - 1))),
  ),
];
