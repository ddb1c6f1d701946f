/** @file Where in an exported transformer the states after each layer are, found by the names that exporters give. */

import type { OnnxPorts } from "../onnx/inspect.ts";

/** The layer's number in a name such as "/encoder/layer.3/output/LayerNorm/Add_1_output_0" or "/h.3/Add_1". */
const layer = /(?:^|[/.])(?:layers?|blocks?|h)[./_](\d+)[/.]/;

/**
 * Names of the states before the first layer (where it can be told) and after each one: outputs called hidden_states,
 * or else the last value that each layer computes. Empty where the names do not tell.
 */
export function layerNames({ outputs, inner }: OnnxPorts): string[] {
  const given = outputs.map(({ name }) => name).filter((name) => /^hidden_states?[._]?\d*$/.test(name));
  if (given.length > 1) return given.sort((a, b) => numberOf(a) - numberOf(b));
  const last = new Map<number, string>();
  let before: string | undefined;
  for (const { name, node } of inner) {
    const found = layer.exec(name) ?? layer.exec(node); // what an output is renamed to, its node still tells
    if (found !== null) last.set(Number(found[1]), name);
    else if (last.size === 0 && /embeddings?[/.]/i.test(name)) before = name;
  }
  const layers = [...last].sort(([a], [b]) => a - b).map(([, name]) => name);
  return layers.length > 0 && before !== undefined ? [before, ...layers] : layers;
}

const numberOf = (name: string): number => Number(/\d+$/.exec(name)?.[0] ?? 0);
