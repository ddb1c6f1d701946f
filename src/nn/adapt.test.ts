import { describe, expect, it } from "vitest";
import { gradient } from "../autodiff/gradient.ts";
import { freeze, trainable, unfreeze } from "./adapt.ts";
import { network } from "./networks.fixture.ts";

describe("frozen parameters", () => {
  it("are not trainable, in copies too", () => {
    const graph = network();
    expect(freeze(graph, ["enc.*", /^mix/])).toEqual([
      "enc.0.weight",
      "enc.0.bias",
      "enc.1.weight",
      "enc.1.bias",
      "mix.left",
      "mix.turned",
    ]);
    expect(unfreeze(graph, "*.bias")).toHaveLength(2);
    const rest = ["items", "enc.0.bias", "enc.1.bias", "moved", "stacked"];
    expect(trainable(graph)).toEqual(rest);
    const derived = gradient(graph, { of: "loss", wrt: trainable(graph) });
    expect([...derived.outputs.keys()]).toEqual(["loss", ...rest.map((name) => `d/${name}`)]);
    expect(trainable(derived)).toEqual(rest);
    expect(() => freeze(graph, "encoder.0.weight")).toThrow(
      'freeze: "encoder.0.weight" matches no parameter; the nearest are "enc.0.weight"',
    );
    expect(() => unfreeze(graph, /^x/)).toThrow('unfreeze: "^x" matches no parameter');
  });
});
