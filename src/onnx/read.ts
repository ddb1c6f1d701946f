/** @file An ONNX file becomes a graph. */
import { Graph, Value } from "../graph/graph.ts";
import { cast, constant, reshape, sizes } from "../graph/ops/index.ts";
import type { Dim } from "../tensor/dims.ts";
import { DataError, ShapeError } from "../tensor/errors.ts";
import { formatShape, isFloat, type TensorSpec } from "../tensor/spec.ts";
import { fold, foldArithmetic, isOpen, type Known } from "./known.ts";
import { type Model, parseModel } from "./model.ts";
import { OnnxNode, type Result, type Rule, type Slot } from "./node.ts";
import { movers, rules } from "./rules/index.ts";
import type { NodeProto } from "./schema/onnx_pb.ts";
import { contentsOf, type ReadExternal, type StoredTensor } from "./tensor.ts";

export interface ReadOptions {
  /** Sizes or names for the dimensions of inputs, by input name; default: what the file says. */
  readonly shapes?: Readonly<Record<string, readonly Dim[]>>;
  /** Gives the bytes of an external data file by its name in the model. */
  readonly external?: ReadExternal;
}

/** Contents up to these numbers of elements are computed with while reading. */
const smallest = { float: 4096, integer: 65536 } as const;

/**
 * The network in an ONNX file (opsets 11 to 22). Float initializers become named parameters; open dimensions keep their
 * names, and unnamed ones are called after the input and the axis. What depends on contents and sizes alone is
 * computed while reading.
 *
 * @throws DataError for a malformed file, or listing all that is not supported
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): Graph {
  const model = parseModel(bytes);
  refuseUnknown(model);
  return new Reader(model, options).read();
}

/** `Add`, or `com.microsoft.Gelu`. */
const keyOf = ({ domain, opType }: NodeProto): string =>
  domain === "" || domain === "ai.onnx" ? opType : `${domain}.${opType}`;

/** One error for everything that has no rule. */
function refuseUnknown(model: Model): void {
  const unknown = new Map<string, string[]>();
  for (const node of model.nodes) {
    const key = keyOf(node);
    if (!Object.hasOwn(rules, key))
      unknown.set(key, [...(unknown.get(key) ?? []), node.name || node.output[0]!]);
  }
  if (unknown.size === 0) return;
  const shown = [...unknown].map(([key, names]) => {
    const some = names.slice(0, 3).map((name) => `"${name}"`);
    return `${key} ×${names.length} (${some.join(", ")}${names.length > 3 ? ", …" : ""})`;
  });
  throw new DataError("onnx-unsupported", `readOnnx: operators that are not supported: ${shown.join("; ")}`, {
    operators: [...unknown.keys()],
  });
}

class Reader {
  readonly #graph = new Graph();
  readonly #slots = new Map<string, Slot>();
  readonly #model: Model;
  readonly #options: ReadOptions;

  constructor(model: Model, options: ReadOptions) {
    this.#model = model;
    this.#options = options;
  }

  read(): Graph {
    const { initializers, inputs, nodes, outputs, metadata } = this.#model;
    for (const [name, spec] of inputs) this.#input(name, spec);
    for (const [name, proto] of initializers)
      this.#parameter(name, this.#model.tensor(proto, this.#options.external));
    for (const node of nodes) this.#node(node);
    for (const name of outputs) this.#graph.output(name, this.#slot(name, "the outputs").value());
    Object.assign(this.#graph.metadata, metadata);
    return this.#graph;
  }

  #input(name: string, spec: TensorSpec): void {
    const shape = this.#options.shapes?.[name] ?? spec.shape;
    if (shape.length !== spec.shape.length)
      throw new DataError(
        "onnx-shape",
        `readOnnx: input "${name}" is ${formatShape(spec.shape)}; the given shape ${formatShape(shape)} has another rank`,
        { name },
      );
    const value = this.#graph.input(name, { dtype: spec.dtype, shape });
    this.#slots.set(name, { known: null, value: () => value });
  }

  #parameter(name: string, tensor: StoredTensor): void {
    const { dtype, shape, data } = tensor;
    const value = this.#graph.param(name, { dtype, shape }, { data, shape });
    const trainable = isFloat(dtype);
    const small = data.length <= (trainable ? smallest.float : smallest.integer);
    let contents: Known | null = null;
    this.#slots.set(name, {
      get known() {
        if (small) contents ??= contentsOf(tensor);
        return contents;
      },
      trainable,
      value: () => value,
    });
  }

  #slot(name: string, where: string): Slot {
    const found = this.#slots.get(name);
    if (found) return found;
    throw new DataError("onnx-name", `readOnnx: ${where}: there is no value "${name}"`, { name });
  }

  #node(proto: NodeProto): void {
    const type = keyOf(proto);
    const name = proto.name || proto.output[0]!;
    const slots = proto.input.map((input) =>
      input === "" ? null : this.#slot(input, `node "${name}" (${type})`),
    );
    const node = new OnnxNode({
      graph: this.#graph,
      type,
      name,
      opset: this.#model.opset(proto.domain),
      slots,
      outputs: proto.output,
      attributes: new Map(proto.attribute.map((a) => [a.name, a])),
    });
    const stored = type === "Constant" ? node.tensor("value") : null;
    if (stored && stored.data.length > smallest.float && isFloat(stored.dtype)) {
      this.#parameter(proto.output[0]!, stored); // old exporters keep weights in constants
      return;
    }
    const results = this.#translate(node);
    proto.output.forEach((output, i) => {
      if (output === "") return;
      const result = results[i] ?? node.fail(`output ${i} ("${output}") is not supported`);
      if (result instanceof Value) this.#graph.labels.set(output, result);
      this.#slots.set(output, slotOf(this.#graph, result));
    });
  }

  #translate(node: OnnxNode): readonly Result[] {
    const rule = rules[node.type]!;
    try {
      return folded(node, rule) ?? list(rule(node));
    } catch (error) {
      if (error instanceof ShapeError) return node.fail(error.message);
      throw error;
    }
  }
}

const list = (results: Result | readonly Result[]): readonly Result[] =>
  Array.isArray(results) ? results : [results as Result];

/** Outputs that follow from contents alone; null where the node must become part of the graph. */
function folded(node: OnnxNode, rule: Rule): readonly Known[] | null {
  const { slots } = node;
  if (slots.length === 0 || !slots.some(Boolean)) return null;
  if (slots.some((slot) => slot && (slot.trainable || !slot.known))) return null;
  const contents = slots.map((slot) => slot?.known ?? null);
  const open = contents.some((c) => c && isOpen(c));
  if (open && !movers.has(node.type)) return asList(foldArithmetic(node.type, contents));
  try {
    return computed(node, rule, contents);
  } catch (error) {
    // A shape that depends on an open dimension makes no contents.
    if (error instanceof ShapeError && error.code === "unbound-dimension") return null;
    throw error;
  }
}

/** Runs a rule on contents; what it returns as contents already stays as it is. */
function computed(node: OnnxNode, rule: Rule, contents: readonly (Known | null)[]): Known[] {
  const order: (Known | null)[] = [];
  const traced = fold(contents, (graph, values) => {
    const inner = node.slots.map((slot, i) => slot && { known: slot.known, value: () => values[i]! });
    return list(rule(node.on(graph, inner))).flatMap((result) => {
      const settled = result instanceof Value ? null : result;
      order.push(settled);
      return result instanceof Value ? [result] : [];
    });
  });
  return order.map((settled) => settled ?? traced.shift()!);
}

const asList = (result: Known | null): Known[] | null => (result ? [result] : null);

function slotOf(graph: Graph, result: Result): Slot {
  if (result instanceof Value) return { known: null, value: () => result };
  let value: Value | null = null;
  return {
    known: result,
    value() {
      value ??= isOpen(result)
        ? cast(reshape(sizes(graph, result.values), result.shape), result.dtype)
        : constant(graph, result.dtype, result.shape, result.values as readonly number[]);
      return value;
    },
  };
}
