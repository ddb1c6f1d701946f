/** @file An ONNX file becomes a graph. */
import { Graph, Value } from "../graph/graph.ts";
import type { Dim } from "../tensor/dims.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import { formatShape } from "../tensor/spec.ts";
import { malformed, quoted } from "./faults.ts";
import { folded, list, slotOf } from "./folding.ts";
import { InputDims } from "./input-dims.ts";
import { newBudget } from "./known.ts";
import { type Model, parseModel, type SourceGraph, sourceGraph } from "./model.ts";
import { OnnxNode, type Slot } from "./node.ts";
import { isLiteral, Parameters } from "./parameters.ts";
import { rules } from "./rules/index.ts";
import type { TypeProto, ValueInfoProto } from "./schema/onnx_pb.ts";
import { type SourceNode, standardDomain } from "./source.ts";
import { elementTypes, type ReadExternal } from "./tensor.ts";
import { typeName, Unsupported, unsupportedType } from "./unsupported.ts";

export interface ReadOptions {
  /** Sizes or names for the dimensions of inputs, by input name; default: what the file says. */
  readonly shapes?: Readonly<Record<string, readonly Dim[]>>;
  /** Gives bytes of external data files; `readOnnxFile` reads them from the model's folder. */
  readonly external?: ReadExternal;
}

/**
 * The network in an ONNX file (opsets 11 to 22). Stored tensors that it computes with become named parameters, of which
 * the statistics of normalisations and tensors without axes are frozen; open dimensions keep their names, and unnamed
 * ones are called after the input and the axis. Functions of the file are unfolded, what depends on contents and sizes
 * alone is computed while reading, and what no output depends on is left out.
 *
 * @throws DataError for a malformed file, or listing all that is not supported
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): Graph {
  return new Reader(parseModel(bytes), options).read();
}

/** Stands for the outputs of what could not be read. */
const unreadable: Slot = { known: null, value: () => malformed("a value is missing that could not be read") };

/** Values by name: of a graph and, for the branch of a condition, of those around it. */
class Scope {
  /** Stands before the names of parameters. */
  readonly prefix: string;
  readonly #slots = new Map<string, Slot>();
  readonly #outer: Scope | null;

  constructor(prefix = "", outer: Scope | null = null) {
    this.prefix = prefix;
    this.#outer = outer;
  }

  get(name: string): Slot | undefined {
    return this.#slots.get(name) ?? this.#outer?.get(name);
  }

  set(name: string, slot: Slot): void {
    this.#slots.set(name, slot);
  }
}

class Reader {
  readonly #graph = new Graph();
  readonly #unsupported = new Unsupported();
  readonly #budget = newBudget();
  readonly #model: Model;
  readonly #options: ReadOptions;
  readonly #parameters: Parameters;
  /** What was wrong with a node; told unless something is not supported at all. */
  #problem: DataError | null = null;

  constructor(model: Model, options: ReadOptions) {
    this.#model = model;
    this.#options = options;
    this.#parameters = new Parameters(this.#graph, options.external);
  }

  read(): Graph {
    const { graph, metadata } = this.#model;
    const scope = new Scope();
    this.#inputs(graph.inputs, scope);
    this.#run(graph, scope);
    this.#unsupported.refuse();
    if (this.#problem) throw this.#problem;
    for (const name of graph.outputs) this.#graph.output(name, scope.get(name)!.value());
    this.#parameters.sort(graph.initializers.keys());
    Object.assign(this.#graph.metadata, metadata);
    return this.#graph;
  }

  #inputs(inputs: readonly ValueInfoProto[], scope: Scope): void {
    const { shapes = {} } = this.#options;
    const names = inputs.map(({ name }) => name);
    const unknown = Object.keys(shapes).find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new ConfigError(
        "unknown-input",
        `readOnnx: a shape is given for ${quoted(unknown)}, which is no input${suggest(unknown, names)}`,
        { name: unknown },
      );
    const dims = new InputDims(inputs);
    for (const { name, type } of inputs) {
      const other = unsupportedType(type);
      if (other !== null) this.#unsupported.add("types", other, name);
      scope.set(name, other === null ? this.#input(name, type!, dims) : unreadable);
    }
  }

  #input(name: string, { value: type }: TypeProto, dims: InputDims): Slot {
    if (type.case !== "tensorType" || !type.value.shape)
      return malformed(`input ${quoted(name)} does not say how many axes it has`, { name });
    const own = dims.shape(name, type.value.shape);
    const { shapes = {} } = this.#options;
    const shape = Object.hasOwn(shapes, name) ? shapes[name]! : own;
    if (shape.length !== own.length)
      throw new ConfigError(
        "input-shape",
        `readOnnx: input ${quoted(name)} is ${formatShape(own)}; the given shape ${formatShape(shape)} has another rank`,
        { name },
      );
    const value = this.#graph.input(name, { dtype: elementTypes.get(type.value.elemType)!, shape });
    return { known: null, value: () => value };
  }

  /** Reads the nodes of a graph, or of the branch of a condition. */
  #run({ nodes, initializers, sparse }: SourceGraph, scope: Scope): void {
    for (const name of sparse) {
      this.#unsupported.add("types", "sparse tensor", name);
      scope.set(name, unreadable);
    }
    for (const [name, proto] of initializers) {
      const readable = elementTypes.has(proto.dataType);
      if (!readable) this.#unsupported.add("types", typeName(proto.dataType), name);
      scope.set(name, readable ? this.#parameters.stored(scope.prefix + name, proto) : unreadable);
    }
    for (const node of nodes) {
      const slots = this.#node(node, scope);
      node.proto.output.forEach((name, i) => {
        if (name !== "") scope.set(name, slots?.[i] ?? unreadable);
      });
    }
  }

  /** What a node's outputs are; null where it cannot be read, of which a note is made. */
  #node(source: SourceNode, scope: Scope): readonly (Slot | null)[] | null {
    const { proto, type, name, versions } = source;
    const slots = proto.input.map((input) => (input === "" ? null : scope.get(input)!));
    if (this.#unsupported.has(source) || slots.includes(unreadable)) return null;
    const opset = versions.get(standardDomain(proto.domain)) ?? 1;
    const attributes = new Map(proto.attribute.map((a) => [a.name, a]));
    const node = new OnnxNode({
      graph: this.#graph,
      type,
      name,
      opset,
      slots,
      outputs: proto.output,
      attributes,
    });
    try {
      return type === "If" ? this.#condition(source, node, scope) : this.#translate(node, scope);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.#problem ??= error;
      return null;
    }
  }

  #translate(node: OnnxNode, scope: Scope): readonly (Slot | null)[] {
    const { outputs } = node;
    const stored = node.type === "Constant" ? node.tensor("value") : null;
    if (stored && !isLiteral(stored)) return [this.#parameters.constant(scope.prefix + outputs[0], stored)];
    const rule = rules[node.type]!;
    const results = node.guarded(() => folded(node, rule, this.#budget) ?? list(rule(node)));
    return outputs.map((output, i) => {
      if (output === "") return null;
      const result = results[i] ?? node.fail(`output ${i} (${quoted(output)}) is not supported`);
      if (result instanceof Value) this.#graph.labels.set(scope.prefix + output, result);
      return slotOf(this.#graph, result);
    });
  }

  /** The branch that a condition takes, where that is known already. */
  #condition(source: SourceNode, node: OnnxNode, outer: Scope): readonly Slot[] | null {
    const condition = node.known(0)?.values;
    if (condition?.length !== 1 || typeof condition[0] === "string") {
      this.#unsupported.add("control", node.type, node.name);
      return null;
    }
    const branch = node.subgraph(condition[0] ? "then_branch" : "else_branch");
    const visible = (name: string): boolean => outer.get(name) !== undefined;
    const graph = sourceGraph(branch, source.versions, this.#model.functions, visible);
    const scope = new Scope(`${outer.prefix}${node.name}/`, outer);
    this.#run(graph, scope);
    return graph.outputs.map((name) => scope.get(name)!);
  }
}
