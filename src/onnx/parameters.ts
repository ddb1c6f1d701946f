/** @file Stored tensors of a file become parameters where a node computes with them. */
import type { Graph, Value } from "../graph/graph.ts";
import { count, isFloat } from "../tensor/spec.ts";
import { quoted } from "./faults.ts";
import { type Known, most } from "./known.ts";
import type { Slot } from "./node.ts";
import type { TensorProto } from "./schema/onnx_pb.ts";
import {
  contentsOf,
  isExact,
  type ReadExternal,
  readTensor,
  type StoredTensor,
  storedSpec,
} from "./tensor.ts";

/** Whether reading computes with the contents of a tensor, where nothing has to stay changeable. */
const isSmall = (tensor: Pick<StoredTensor, "dtype" | "shape">): boolean =>
  count(tensor.shape) <= (isFloat(tensor.dtype) ? most.float : most.integer);

/** Whether a constant of the file becomes part of the graph itself rather than a parameter. */
export const isLiteral = (tensor: StoredTensor): boolean => isSmall(tensor) && isExact(tensor);

export class Parameters {
  readonly #graph: Graph;
  readonly #external: ReadExternal | undefined;

  constructor(graph: Graph, external: ReadExternal | undefined) {
    this.#graph = graph;
    this.#external = external;
  }

  /** An initializer; its bytes are looked at when somebody asks for its values. */
  stored(name: string, proto: TensorProto): Slot {
    const where = `initializer ${quoted(proto.name)}`;
    return this.#slot(name, storedSpec(proto, where), () => readTensor(proto, where, this.#external));
  }

  /** A constant that is kept as a parameter: old exporters have weights in them. */
  constant(name: string, tensor: StoredTensor): Slot {
    return this.#slot(name, tensor, () => tensor);
  }

  /** Parameters in the order of these names; others come last. */
  sort(names: Iterable<string>): void {
    const { params } = this.#graph;
    const unsorted = new Map(params);
    params.clear();
    for (const name of [...names, ...unsorted.keys()]) {
      const param = unsorted.get(name);
      if (param) params.set(name, param);
    }
  }

  #slot(name: string, spec: Pick<StoredTensor, "dtype" | "shape">, read: () => StoredTensor): Slot {
    let tensor: StoredTensor | null = null;
    let contents: Known | null = null;
    let value: Value | null = null;
    const small = isSmall(spec);
    return {
      trainable: isFloat(spec.dtype),
      get known() {
        if (!small) return null;
        tensor ??= read();
        if (contents === null && isExact(tensor)) contents = contentsOf(tensor);
        return contents;
      },
      value: () => {
        if (value) return value;
        tensor ??= read();
        const { data, dtype, shape } = tensor;
        const free = this.#free(name);
        value = this.#graph.param(free, { dtype, shape }, { data, shape });
        if (shape.length === 0) this.#graph.frozen.add(free); // optimizers of files keep constants there
        return value;
      },
    };
  }

  #free(name: string): string {
    let free = name;
    while (this.#graph.inputs.has(free) || this.#graph.params.has(free)) free += "_";
    return free;
  }
}
