/** @file Nodes and initializers of an ONNX file while it is written. */
import { create } from "@bufbuild/protobuf";
import type { Value } from "../graph/graph.ts";
import type { EmitOptions, Emitter, Float } from "../graph/op.ts";
import {
  type Bindings,
  bindShape,
  type Dim,
  type DType,
  type Shape,
  type Tensor,
  type TensorData,
  type TensorSpec,
  toInt64,
  typed,
} from "../tensor/spec.ts";
import { type DimSource, emitDims } from "./emit-dims.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  TensorProto_DataLocation as Location,
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./schema/onnx_pb.ts";

const dataTypes: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** Where the values of a parameter lie: a file named relative to the model, and bytes in it. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Finds a place in another file for the values of a parameter; null leaves them in the model. */
export type FindPlace = (bytes: Uint8Array) => ExternalPlace | null;

/** Collects nodes and initializers while a graph is lowered. */
export class Writer implements Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #bindings: Bindings;
  readonly #names = new Map<Value, string>();
  readonly #constants = new Map<string, string>();
  readonly #taken: Set<string>;
  readonly #sources = new Map<string, DimSource>();
  /** Sizes that are computed from the shapes of inputs, by the dimension. */
  readonly #sizes = new Map<string, string>();
  /** Names that nodes gave, and what becomes of them. */
  readonly #made = new Set<string>();
  readonly #renamed = new Map<string, string>();
  readonly #optional: { readonly node: NodeProto; readonly required: number }[] = [];
  #next = 0;

  /** Domains of operators that the nodes are from. */
  get domains(): string[] {
    return [...new Set(["", ...this.nodes.map(({ domain }) => domain)])];
  }

  /** `taken` are names that the graph has given; values without a name get others. */
  constructor(bindings: Bindings, taken: Iterable<string>) {
    this.#bindings = bindings;
    this.#taken = new Set(taken);
  }

  #fresh(letter: string): string {
    let name = `${letter}${this.#next++}`;
    while (this.#taken.has(name)) name = `${letter}${this.#next++}`;
    this.#taken.add(name);
    return name;
  }

  /** Remembers which axes of an input give open dimensions their sizes. */
  locate(input: string, shape: Shape): void {
    shape.forEach((d, axis) => {
      if (typeof d === "string" && !this.#sources.has(d)) this.#sources.set(d, { input, axis });
    });
  }

  bind(value: Value, name: string): void {
    this.#names.set(value, name);
  }

  name(value: Value): string {
    return this.#names.get(value)!;
  }

  shape(value: Value): Dim[] {
    return this.bound(value.shape);
  }

  bound(dims: Shape): Dim[] {
    return bindShape(dims, this.#bindings);
  }

  dims(dims: Shape): string {
    const bound = this.bound(dims);
    const known = bound.every((d) => typeof d === "number");
    return known
      ? this.constant("int64", [bound.length], bound)
      : emitDims(this, bound, this.#sources, this.#sizes);
  }

  node(
    type: string,
    inputs: readonly string[],
    { outputs = 1, required = outputs, domain, attributes = {} }: EmitOptions = {},
  ): string[] {
    const output = Array.from({ length: outputs }, () => this.#fresh("t"));
    for (const name of output) this.#made.add(name);
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    const name = `${type}_${this.nodes.length}`;
    const node = create(NodeProtoSchema, {
      name,
      opType: type,
      domain: domain ?? "",
      input: [...inputs],
      output: [...output],
      attribute,
    });
    this.nodes.push(node);
    if (required < outputs) this.#optional.push({ node, required });
    return output;
  }

  /** Leaves out optional last outputs that no node reads and that are none of the graph's `outputs`. */
  dropUnread(outputs: Iterable<string>): void {
    const read = new Set([...outputs, ...this.nodes.flatMap(({ input }) => input)]);
    for (const { node, required } of this.#optional) {
      const last = node.output.findLastIndex((name) => read.has(name));
      node.output = node.output.slice(0, Math.max(last + 1, required));
    }
  }

  #add(
    opType: string,
    fields: { domain?: string; input?: string[]; output: string[]; attribute?: AttributeProto[] },
  ): void {
    this.nodes.push(create(NodeProtoSchema, { name: `${opType}_${this.nodes.length}`, opType, ...fields }));
  }

  /** Makes the value an output of that name: the name of what computes it, or else that of a copy. */
  call(value: Value, name: string): void {
    const own = this.name(value);
    if (own === name) return;
    if (this.#made.has(own) && !this.#renamed.has(own)) this.#renamed.set(own, name);
    else this.#add("Identity", { input: [own], output: [name] });
  }

  /** Gives an inner value the name it had in the file it was read from, where that is free. */
  label(value: Value, name: string): void {
    const own = this.#names.get(value);
    if (own === undefined || !this.#made.has(own) || this.#renamed.has(own)) return;
    if (this.#taken.has(name)) return;
    this.#taken.add(name);
    this.#renamed.set(own, name);
  }

  rename(): void {
    const now = (name: string): string => this.#renamed.get(name) ?? name;
    for (const node of this.nodes) {
      node.input = node.input.map(now);
      node.output = node.output.map(now);
    }
  }

  constant(dtype: DType, shape: readonly number[], values: ArrayLike<number>): string {
    const key = `${dtype}[${shape.join()}]${Array.from(values, (v) => (Object.is(v, -0) ? "-0" : v)).join()}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = this.#fresh("c");
    this.#constants.set(key, name);
    // A node and no initializer: those are parameters to whoever reads the file.
    const t = create(TensorProtoSchema, {
      dataType: dataTypes[dtype],
      dims: shape.map(BigInt),
      rawData: bytesOf(typed(dtype, values)),
    });
    const attribute = [create(AttributeProtoSchema, { name: "value", type: AttributeType.TENSOR, t })];
    this.#add("Constant", { output: [name], attribute });
    return name;
  }

  initializer(name: string, dtype: DType, { data, shape }: Tensor, external?: FindPlace): void {
    const rawData = bytesOf(data);
    const place = external?.(rawData);
    const entries = Object.entries(place ?? {}).map(([key, value]) => ({ key, value: String(value) }));
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dataType: dataTypes[dtype],
        dims: shape.map(BigInt),
        ...(place
          ? {
              dataLocation: Location.EXTERNAL,
              externalData: entries.map((e) => create(StringStringEntryProtoSchema, e)),
            }
          : { rawData }),
      }),
    );
  }

  info(name: string, spec: TensorSpec): ValueInfoProto {
    const dim = bindShape(spec.shape, this.#bindings).map((d) =>
      typeof d === "number"
        ? { value: { case: "dimValue" as const, value: BigInt(d) } }
        : { value: { case: "dimParam" as const, value: d } },
    );
    const tensorType = { elemType: dataTypes[spec.dtype], shape: { dim } };
    return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensorType } } });
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TensorData): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

function attributeOf(name: string, value: number | readonly number[] | string | Float): AttributeProto {
  if (typeof value === "string") {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if (typeof value === "number")
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: toInt64(value) });
  if ("float" in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(toInt64) });
}
