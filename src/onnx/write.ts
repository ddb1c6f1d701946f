/** @file A graph becomes an ONNX file, through the official protobuf schema. */
import { create, toBinary } from "@bufbuild/protobuf";
import { type Graph, reachableNodes, usedValues, type Value } from "../graph/graph.ts";
import { ConfigError } from "../tensor/errors.ts";
import {
  arrayType,
  type Bindings,
  count,
  formatShape,
  formatSpec,
  sameShape,
  type Tensor,
} from "../tensor/spec.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type ValueInfoProto,
} from "./schema/onnx_pb.ts";
import { type FindPlace, Writer } from "./writer.ts";

const opset = 18n;

export interface WriteOptions {
  /** Values for dimension names; names that stay open become symbolic dimensions of the file. */
  readonly bindings?: Bindings;
  /** Where parameters go: into the file, or left open as inputs (training feeds them), all or those not frozen. */
  readonly params?: "initializers" | "inputs" | "trained-inputs";
  /** Finds a place in another file for the values of a parameter; null leaves them in the model. */
  readonly external?: FindPlace;
}

/** A protobuf message holds 2 GB; what is not values fits into the rest. */
const mostBytes = 2 ** 31 - 2 ** 26;

/** Bytes of the values of the parameters that are stored and have some. */
export const weightBytes = (graph: Graph, stored: (name: string) => boolean = () => true): number =>
  [...graph.params].reduce(
    (total, [name, { data }]) => total + (stored(name) ? (data?.data.byteLength ?? 0) : 0),
    0,
  );

function refuseTooLarge(bytes: number): void {
  if (bytes <= mostBytes) return;
  throw new ConfigError(
    "too-large",
    `writeOnnx: the parameters have ${(bytes / 1e9).toFixed(1)} GB, and an ONNX file holds 2; write it with writeOnnxFile, which puts them beside it, or compile it with params: "fed"`,
    { bytes },
  );
}

/** The values of a parameter. @throws ConfigError where there are none, or others than its type and shape say */
function valuesOf(name: string, { spec }: Value, tensor: Tensor | null): Tensor {
  if (!tensor)
    throw new ConfigError("no-values", `writeOnnx: parameter "${name}" has no values; provide them first`, {
      name,
    });
  const { data, shape } = tensor;
  const fits = data instanceof arrayType(spec.dtype) && data.length === count(shape);
  if (fits && sameShape(shape, spec.shape)) return tensor;
  throw new ConfigError(
    "parameter-shape",
    `writeOnnx: parameter "${name}" holds ${data.constructor.name}(${data.length}) ${formatShape(shape)}, but is ${formatSpec(spec)}`,
    { name },
  );
}

/**
 * Bytes of an ONNX model of the graph's outputs: what they do not depend on is left out. Inputs, parameters and outputs
 * have their names in the graph, and so have inner values that were read from a file.
 *
 * @throws ConfigError when a parameter has no values to store, or wrong ones, or all have more than 2 GB
 */
export function writeOnnx(
  graph: Graph,
  { bindings = {}, params = "initializers", external }: WriteOptions = {},
): Uint8Array {
  const writer = new Writer(
    bindings,
    new Set([...graph.inputs.keys(), ...graph.params.keys(), ...graph.outputs.keys()]),
  );
  const isInput = (name: string): boolean =>
    params === "inputs" || (params === "trained-inputs" && !graph.frozen.has(name));
  if (!external) refuseTooLarge(weightBytes(graph, (name) => !isInput(name)));
  const nodes = reachableNodes(graph);
  const used = usedValues(graph);
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
    if (isInput(name)) inputs.push(writer.info(name, value.spec));
    else writer.initializer(name, value.dtype, valuesOf(name, value, data), external);
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
  for (const [name, value] of graph.outputs) writer.call(value, name);
  for (const [name, value] of graph.labels) writer.label(value, name);
  writer.rename();
  writer.dropUnread(graph.outputs.keys());
  const outputs = [...graph.outputs].map(([name, value]) => writer.info(name, value.spec));
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
