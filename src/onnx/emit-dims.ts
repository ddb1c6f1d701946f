/** @file Dimensions as ONNX nodes: what stays open in a file is computed from the shapes of its inputs. */
import type { Emitter } from "../graph/op.ts";
import { type Dim, type DimAlgebra, foldDim } from "../tensor/dims.ts";
import { ShapeError } from "../tensor/errors.ts";

/** Where a name is the size of an input's axis. */
export interface DimSource {
  readonly input: string;
  readonly axis: number;
}

/** An int64 vector [n] of dimensions of which some are open; `known` keeps what was written before. */
export function emitDims(
  e: Emitter,
  dims: readonly Dim[],
  sources: ReadonlyMap<string, DimSource>,
  known: Map<string, string>,
): string {
  const once = (key: string, write: () => string): string => {
    const name = known.get(key) ?? write();
    known.set(key, name);
    return name;
  };
  const operation = (type: string) => (a: string, b: string) => e.node(type, [a, b])[0]!;
  const nodes: DimAlgebra<string> = {
    number: (value) => e.constant("int64", [1], [value]),
    name: (name) => {
      const source = sources.get(name);
      if (!source)
        throw new ShapeError(
          "open-dimension",
          `writeOnnx: dimension "${name}" is not the size of an axis of any input; bind it to a number`,
          { dimension: name },
        );
      const shape = once(`shape of ${source.input}`, () => e.node("Shape", [source.input])[0]!);
      const axis = e.constant("int64", [1], [source.axis]);
      return once(name, () => e.node("Gather", [shape, axis], { attributes: { axis: 0 } })[0]!);
    },
    add: operation("Add"),
    multiply: operation("Mul"),
    // Div drops the fraction, Mod takes the divisor's sign: together they give the integer at or below a quotient.
    floorDivide: (a, b) => operation("Div")(operation("Sub")(a, operation("Mod")(a, b)), b),
    min: operation("Min"),
    max: operation("Max"),
  };
  return once(dims.join(" "), () => {
    const parts = dims.map((d) => once(String(d), () => foldDim(d, nodes)));
    return parts.length === 1 ? parts[0]! : e.node("Concat", parts, { attributes: { axis: 0 } })[0]!;
  });
}
