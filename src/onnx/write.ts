/** @file A graph becomes an ONNX file, through the official protobuf schema. */
import { create, toBinary } from "@bufbuild/protobuf";
import { type Graph, reachableNodes, type Value } from "../graph/graph.ts";
import type { EmitOptions, Emitter, Float } from "../graph/op.ts";
import { ConfigError } from "../tensor/errors.ts";
import {
  type Bindings,
  bindShape,
  type Dim,
  type DType,
  type Shape,
  type Tensor,
  type TensorSpec,
  typed,
} from "../tensor/spec.ts";
import { type DimSource, emitDims } from "./emit-dims.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./schema/onnx_pb.ts";

const opset = 18n;
const dataTypes: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

export interface WriteOptions {
  /** Values for dimension names; names that stay open become symbolic dimensions of the file. */
  readonly bindings?: Bindings;
  /** Where parameters go: into the file, or left open as inputs (training feeds them). */
  readonly params?: "initializers" | "inputs";
}

/** Bytes of an ONNX model of the graph's outputs. @throws ConfigError when a parameter has no values to store */
export function writeOnnx(
  graph: Graph,
  { bindings = {}, params = "initializers" }: WriteOptions = {},
): Uint8Array {
  const writer = new Writer(
    bindings,
    new Set([...graph.inputs.keys(), ...graph.params.keys(), ...graph.outputs.keys()]),
  );
  const nodes = reachableNodes(graph);
  const used = new Set<Value>([...nodes.flatMap((n) => n.inputs), ...graph.outputs.values()]);
  const inputs: ValueInfoProto[] = [];
  for (const [name, value] of graph.inputs) {
    writer.bind(value, name);
    if (!used.has(value)) continue;
    inputs.push(writer.info(name, value.spec));
    writer.locate(name, value.shape);
  }
  for (const [name, { value, data }] of graph.params) {
    writer.bind(value, name);
    if (!used.has(value)) continue;
    if (params === "inputs") inputs.push(writer.info(name, value.spec));
    else if (data) writer.initializer(name, value.dtype, data);
    else
      throw new ConfigError("no-values", `writeOnnx: parameter "${name}" has no values; provide them first`, {
        name,
      });
  }
  for (const node of nodes) {
    const names = node.op.lower(
      writer,
      node.inputs.map((x) => writer.name(x)),
      node.attributes,
      node,
    );
    node.outputs.forEach((value, i) => {
      writer.bind(value, names[i]!);
    });
  }
  const outputs = [...graph.outputs].map(([name, value]) => {
    if (writer.name(value) !== name) writer.identity(writer.name(value), name);
    return writer.info(name, value.spec);
  });
  const { nodes: node, initializers: initializer } = writer;
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: "sequitur",
    opsetImport: writer.domains.map((domain) =>
      create(OperatorSetIdProtoSchema, { domain, version: domain === "" ? opset : 1n }),
    ),
    metadataProps: Object.entries(graph.metadata).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
    graph: create(GraphProtoSchema, { name: "sequitur", node, initializer, input: inputs, output: outputs }),
  });
  return toBinary(ModelProtoSchema, model);
}

class Writer implements Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #bindings: Bindings;
  readonly #names = new Map<Value, string>();
  readonly #constants = new Map<string, string>();
  readonly #taken: ReadonlySet<string>;
  readonly #sources = new Map<string, DimSource>();
  #next = 0;

  /** Domains of operators that the nodes are from. */
  get domains(): string[] {
    return [...new Set(["", ...this.nodes.map(({ domain }) => domain)])];
  }

  /** `taken` are names that the graph has given; values without a name get others. */
  constructor(bindings: Bindings, taken: ReadonlySet<string>) {
    this.#bindings = bindings;
    this.#taken = taken;
  }

  #fresh(letter: string): string {
    let name = `${letter}${this.#next++}`;
    while (this.#taken.has(name)) name = `${letter}${this.#next++}`;
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
    return known ? this.constant("int64", [bound.length], bound) : emitDims(this, bound, this.#sources);
  }

  node(
    type: string,
    inputs: readonly string[],
    { outputs = 1, domain, attributes = {} }: EmitOptions = {},
  ): string[] {
    const output = Array.from({ length: outputs }, () => this.#fresh("t"));
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    const name = `${type}_${this.nodes.length}`;
    this.nodes.push(
      create(NodeProtoSchema, {
        name,
        opType: type,
        domain: domain ?? "",
        input: [...inputs],
        output,
        attribute,
      }),
    );
    return output;
  }

  identity(from: string, to: string): void {
    const name = `Identity_${this.nodes.length}`;
    this.nodes.push(create(NodeProtoSchema, { name, opType: "Identity", input: [from], output: [to] }));
  }

  constant(dtype: DType, shape: readonly number[], values: ArrayLike<number>): string {
    const key = `${dtype}[${shape.join()}]${Array.from(values, (v) => (Object.is(v, -0) ? "-0" : v)).join()}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = this.#fresh("c");
    this.#constants.set(key, name);
    this.initializer(name, dtype, { data: typed(dtype, values), shape });
    return name;
  }

  initializer(name: string, dtype: DType, { data, shape }: Tensor): void {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dataType: dataTypes[dtype],
        dims: shape.map(BigInt),
        rawData: rawData as Uint8Array<ArrayBuffer>,
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

function attributeOf(name: string, value: number | readonly number[] | string | Float): AttributeProto {
  if (typeof value === "string") {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if (typeof value === "number")
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if ("float" in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}
