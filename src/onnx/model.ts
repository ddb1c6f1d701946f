/** @file The parts of an ONNX file that reading needs, checked. */
import { fromBinary } from "@bufbuild/protobuf";
import { malformed, quoted } from "./faults.ts";
import { inlined } from "./functions.ts";
import { ordered } from "./order.ts";
import {
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from "./schema/onnx_pb.ts";
import { type SourceNode, standardDomain, usedBy, type Versions } from "./source.ts";
import { elementTypes, storedSpec } from "./tensor.ts";

/** A graph of a file: what its outputs depend on, in an order of execution, and all of its inputs. */
export interface SourceGraph {
  readonly nodes: readonly SourceNode[];
  readonly initializers: ReadonlyMap<string, TensorProto>;
  /** Names of tensors that are stored as their non-zero elements. */
  readonly sparse: ReadonlySet<string>;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly string[];
}

export interface Model {
  readonly graph: SourceGraph;
  readonly functions: readonly FunctionProto[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The oldest and newest version of the standard operator set that is read. */
export const opsets = { oldest: 11, newest: 22 } as const;

/** @throws DataError for bytes that are not an ONNX model, or one of another opset */
export function parseModel(bytes: Uint8Array): Model {
  const model = decode(bytes);
  const { graph, functions } = model;
  if (!graph || graph.output.length === 0)
    return malformed("the bytes hold no graph with outputs; are they an ONNX model?");
  return {
    graph: sourceGraph(graph, versionsOf(model), functions, () => false),
    functions,
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
  };
}

function decode(bytes: Uint8Array): ModelProto {
  if (new TextDecoder().decode(bytes.subarray(0, 40)).startsWith("version https://git-lfs"))
    malformed("the bytes are a Git LFS pointer, not the model; fetch the file it stands for");
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    return malformed(`the bytes are not an ONNX model: ${(error as Error).message}`);
  }
}

function versionsOf({ opsetImport }: ModelProto): Versions {
  const versions = new Map(
    opsetImport.map(({ domain, version }) => [standardDomain(domain), Number(version)]),
  );
  const standard = versions.get("");
  if (standard === undefined) malformed("the file names no version of the standard operators");
  else if (standard < opsets.oldest || standard > opsets.newest)
    malformed(`the file uses opset ${standard}; ${opsets.oldest} to ${opsets.newest} are supported`);
  return versions;
}

/**
 * A graph with its functions unfolded, its nodes sorted and its names checked.
 *
 * @throws DataError
 */
export function sourceGraph(
  proto: GraphProto,
  versions: Versions,
  functions: readonly FunctionProto[],
  outer: (name: string) => boolean,
): SourceGraph {
  const initializers = new Map<string, TensorProto>();
  for (const tensor of proto.initializer) {
    const where = `initializer ${quoted(tensor.name)}`;
    if (tensor.name === "") malformed("an initializer has no name");
    if (initializers.has(tensor.name))
      malformed(`the name ${quoted(tensor.name)} is given to two initializers`);
    if (elementTypes.has(tensor.dataType)) storedSpec(tensor, where);
    initializers.set(tensor.name, tensor);
  }
  const sparse = new Set(proto.sparseInitializer.map(({ values }) => values?.name ?? ""));
  // Old files list initializers among the inputs as well.
  const inputs = proto.input.filter(({ name }) => !initializers.has(name) && !sparse.has(name));
  const outputs = proto.output.map(({ name }) => name);
  const given = inputs.map(({ name }) => name);
  refuseTwice(given, "inputs");
  refuseTwice(outputs, "outputs");
  const own = new Set([...initializers.keys(), ...sparse, ...given]);
  const nodes = ordered(inlined(proto.node, versions, functions), { own, outer }, outputs);
  const used = new Set([...nodes.flatMap(({ proto: node }) => usedBy(node)), ...outputs]);
  return {
    nodes,
    initializers: new Map([...initializers].filter(([name]) => used.has(name))),
    sparse: new Set([...sparse].filter((name) => used.has(name))),
    inputs,
    outputs,
  };
}

function refuseTwice(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === "") malformed(`one of the ${what} has no name`);
    if (seen.has(name)) malformed(`the name ${quoted(name)} stands twice among the ${what}`);
    seen.add(name);
  }
}
