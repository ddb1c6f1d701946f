/** @file Dimensions of inputs as files write them. */
import { addDims, type Dim, namesOf } from "../tensor/dims.ts";
import { malformed, quoted } from "./faults.ts";
import type { TensorShapeProto, ValueInfoProto } from "./schema/onnx_pb.ts";

/** A sum of products of names and numbers: `past + sequence`, `2*B`. */
const sum = /^(([A-Za-z_]\w*|\d{1,9})\s*[-+*]\s*)*([A-Za-z_]\w*|\d{1,9})$/;

/**
 * Names for the open dimensions of a file's inputs, such as can stand in computed dimensions. One without a name is
 * called after its input and axis; a sum or product of sizes that other axes have stays one.
 */
export class InputDims {
  readonly #names = new Map<string, string>();
  readonly #sizes: ReadonlySet<string>;

  constructor(inputs: readonly ValueInfoProto[]) {
    const written = inputs.flatMap(({ type }) => {
      const dims = type?.value.case === "tensorType" ? (type.value.value.shape?.dim ?? []) : [];
      return dims.flatMap(({ value }) => (value.case === "dimParam" ? [value.value] : []));
    });
    this.#sizes = new Set(written.filter((text) => /^[A-Za-z_]\w*$/.test(text)));
  }

  shape(input: string, shape: TensorShapeProto): Dim[] {
    return shape.dim.map(({ value }, axis): Dim => {
      if (value.case === "dimParam" && value.value !== "") return this.#dim(value.value);
      if (value.case !== "dimValue" || value.value < 0n) return this.#name(`${input}_${axis}`);
      const size = Number(value.value);
      if (!Number.isSafeInteger(size))
        malformed(`input ${quoted(input)} has an impossible size, ${value.value}`);
      return size;
    });
  }

  #dim(text: string): Dim {
    if (text.length > 200 || !sum.test(text)) return this.#name(text);
    const plain = text.replace(/\s+/g, "");
    const known = namesOf(plain).every((name) => this.#sizes.has(name) && !(name in {}));
    return known ? addDims(plain, 0) : this.#name(text);
  }

  /** Letters, digits, `_` and `.`; different texts get different names. */
  #name(text: string): string {
    let name = this.#names.get(text);
    if (name !== undefined) return name;
    const taken = new Set(this.#names.values());
    name = text.slice(0, 60).replace(/[^\w.]+/g, "_").replace(/^(?=[\d.]|$)/, "_"); // biome-ignore format: one line
    while (taken.has(name) || name in {}) name += "_";
    this.#names.set(text, name);
    return name;
  }
}
