/** @file One part after the other changes a state; what is missing changes nothing. */
import { add, concat, fill, relu, where } from "../../../graph/ops/index.ts";
import { linear } from "../../../nn/layers.ts";
import { defineFusion } from "./define.ts";

/** s ← where(known, W·[relu(V·xₘ); s] + b, s) for each part in turn, from a learned s₀. */
export const sequential = defineFusion({
  name: "sequential",
  source:
    "MultiModN, Swamy et al. 2023, arXiv:2309.14118; each row skips what it lacks (theirs skips whole batches), and neither the penalty on changes of the state nor decoders after each step are there",
  sameWidth: false,
  apply(p, parts, dim) {
    const rows = parts[0]!.vectors.size(0);
    const start = add(fill(p.graph, [rows, dim], 0), p.weight("state", [1, dim]));
    return parts.reduce((state, { vectors, known }, m) => {
      const at = p.at(`part${m}`);
      const hidden = relu(linear(at.at("inner"), vectors, dim));
      const next = linear(at.at("outer"), concat([hidden, state], 1), dim);
      return known ? where(known, next, state) : next;
    }, start);
  },
});
