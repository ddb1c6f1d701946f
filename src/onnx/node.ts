/** @file One node of an ONNX file, as the rules that translate it see it. */
import type { Graph, Value } from "../graph/graph.ts";
import type { Dim } from "../tensor/dims.ts";
import { ConfigError, DataError, ShapeError } from "../tensor/errors.ts";
import { plain, quoted } from "./faults.ts";
import type { Known } from "./known.ts";
import {
  type AttributeProto,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
} from "./schema/onnx_pb.ts";
import { readTensor, type StoredTensor } from "./tensor.ts";

/** What a rule returns for an output: a value of the graph, or contents that are known already. */
export type Result = Value | Known;

/** Translates one node; outputs in order, a single one without brackets. */
export type Rule = (node: OnnxNode) => Result | readonly Result[];

/** Translations by operator type; those of another domain as "com.microsoft.Gelu". */
export type Rules = Readonly<Record<string, Rule>>;

/** An input of a node: contents, a value, or both (an initializer). */
export interface Slot {
  readonly known: Known | null;
  /** Whether it is a parameter, which must stay one instead of becoming a constant. */
  readonly trainable?: boolean;
  /** The value in the graph under construction; contents become constants there. */
  value(): Value;
}

export interface NodeFields {
  readonly graph: Graph;
  readonly type: string;
  readonly name: string;
  /** Version of the operator set that defines the type. */
  readonly opset: number;
  readonly slots: readonly (Slot | null)[];
  /** Names of the outputs; an empty one is not wanted. */
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

export class OnnxNode {
  readonly graph: Graph;
  readonly type: string;
  readonly name: string;
  readonly opset: number;
  readonly #fields: NodeFields;

  constructor(fields: NodeFields) {
    this.graph = fields.graph;
    this.type = fields.type;
    this.name = fields.name;
    this.opset = fields.opset;
    this.#fields = fields;
  }

  /** Number of inputs listed; some may be absent. */
  get inputCount(): number {
    return this.#fields.slots.length;
  }

  get outputCount(): number {
    return this.#fields.outputs.length;
  }

  /** Whether output i has a name, so that something may use it. */
  wants(i: number): boolean {
    return (this.#fields.outputs[i] ?? "") !== "";
  }

  has(i: number): boolean {
    return (this.#fields.slots[i] ?? null) !== null;
  }

  /** Input i. @throws DataError when it is absent */
  input(i: number): Value {
    return this.optional(i) ?? this.fail(`input ${i} is missing`);
  }

  optional(i: number): Value | null {
    return this.#fields.slots[i]?.value() ?? null;
  }

  /** All inputs, none absent. */
  inputs(): Value[] {
    return this.#fields.slots.map((_, i) => this.input(i));
  }

  /** Contents of input i, or null where they depend on what will be fed. */
  known(i: number): Known | null {
    return this.#fields.slots[i]?.known ?? null;
  }

  /** Contents of input i as dimensions. @throws DataError where they depend on what will be fed */
  dims(i: number, what: string): readonly Dim[] {
    return (
      this.known(i)?.values ??
      this.fail(`its ${what} is computed from what is fed; only contents known in advance are supported`)
    );
  }

  /** Contents of input i as numbers. @throws DataError where they are open */
  numbers(i: number, what: string): number[] {
    const values = this.dims(i, what);
    const open = values.find((v) => typeof v === "string");
    if (open !== undefined)
      this.fail(`its ${what} depends on the open dimension "${open}"; bind it to a number`);
    return values as number[];
  }

  hasAttribute(name: string): boolean {
    return this.#fields.attributes.has(name);
  }

  /** An integer attribute. @throws DataError when it is absent and has no default */
  int(name: string, otherwise?: number): number {
    const found = this.#attribute(name, Kind.INT);
    return found ? Number(found.i) : (otherwise ?? this.#absent(name));
  }

  float(name: string, otherwise?: number): number {
    const found = this.#attribute(name, Kind.FLOAT);
    return found ? shortest(found.f) : (otherwise ?? this.#absent(name));
  }

  string(name: string, otherwise?: string): string {
    const found = this.#attribute(name, Kind.STRING);
    return found ? new TextDecoder().decode(found.s) : (otherwise ?? this.#absent(name));
  }

  ints(name: string): number[] | null {
    return this.#attribute(name, Kind.INTS)?.ints.map(Number) ?? null;
  }

  floats(name: string): number[] | null {
    return this.#attribute(name, Kind.FLOATS)?.floats.map(shortest) ?? null;
  }

  tensor(name: string): StoredTensor | null {
    const found = this.#attribute(name, Kind.TENSOR);
    return found?.t ? readTensor(found.t, `attribute "${name}" of ${this.label}`) : null;
  }

  /** A graph inside the node. @throws DataError when there is none of that name */
  subgraph(name: string): GraphProto {
    return this.#attribute(name, Kind.GRAPH)?.g ?? this.#absent(name);
  }

  /** Integers that older opsets have as an attribute and newer ones as input i. */
  intsAt(i: number, name: string): number[] | null {
    return this.has(i) ? this.numbers(i, name) : this.ints(name);
  }

  /** `node "encoder/MatMul_3" (MatMul)`. */
  get label(): string {
    return `node ${quoted(this.name)} (${this.type})`;
  }

  fail(what: string, cause?: unknown): never {
    const error = new DataError("onnx-node", `readOnnx: ${this.label}: ${plain(what, 1000)}`, {
      node: this.name,
      type: this.type,
    });
    throw cause === undefined ? error : Object.assign(error, { cause });
  }

  /** What `translate` gives; whatever goes wrong in it is told of this node. */
  guarded<T>(translate: () => T): T {
    try {
      return translate();
    } catch (error) {
      if (error instanceof DataError) throw error;
      if (error instanceof ShapeError || error instanceof ConfigError) return this.fail(error.message, error);
      return this.fail(`its inputs and attributes do not fit together: ${(error as Error).message}`, error);
    }
  }

  /** The same node in another graph, on other inputs. */
  on(graph: Graph, slots: readonly (Slot | null)[]): OnnxNode {
    return new OnnxNode({ ...this.#fields, graph, slots });
  }

  /** Names of the outputs; an empty one is not wanted. */
  get outputs(): readonly string[] {
    return this.#fields.outputs;
  }

  get slots(): readonly (Slot | null)[] {
    return this.#fields.slots;
  }

  #attribute(name: string, kind: Kind): AttributeProto | undefined {
    const found = this.#fields.attributes.get(name);
    if (found && found.type !== kind && found.type !== Kind.UNDEFINED)
      this.fail(`attribute "${name}" has type ${Kind[found.type]}, but ${Kind[kind]} is needed`);
    return found;
  }

  #absent(name: string): never {
    return this.fail(`attribute "${name}" is missing`);
  }
}

/** The shortest decimal number that a float32 of the file can have been: 0.01 rather than 0.009999999776. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}
