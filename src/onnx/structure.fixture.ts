/** @file What every ONNX file must keep to, whoever reads it: names, order, sizes. */
import { fromBinary } from "@bufbuild/protobuf";
import { arrayType, count } from "../tensor/spec.ts";
import { type GraphProto, ModelProtoSchema, type TensorProto } from "./schema/onnx_pb.ts";
import { elementTypes } from "./tensor.ts";

/** The faults of a file, one sentence each: names used before or defined twice, sizes that disagree with shapes. */
export function structureFaults(bytes: Uint8Array): string[] {
  const { graph, opsetImport, irVersion } = fromBinary(ModelProtoSchema, bytes);
  if (!graph) return ["there is no graph"];
  const domains = new Set(opsetImport.map(({ domain }) => domain));
  const strange = graph.node.filter(({ domain }) => !domains.has(domain));
  return [
    ...(irVersion > 0n && graph.name !== ""
      ? []
      : ["the version of the format or the graph's name is missing"]),
    ...(domains.size === opsetImport.length ? [] : ["a domain has two versions"]),
    ...strange.map(({ name, domain }) => `node ${name}: domain "${domain}" has no version`),
    ...nameFaults(graph),
    ...graph.initializer.flatMap(sizeFault),
  ];
}

function nameFaults({ input, initializer, node, output }: GraphProto): string[] {
  const faults: string[] = [];
  const defined = new Set<string>();
  const define = (name: string, by: string) => {
    if (name === "" || defined.has(name)) faults.push(`${by}: "${name}" is empty or taken`);
    defined.add(name);
  };
  for (const { name } of input) define(name, "input");
  for (const { name } of initializer) define(name, "initializer");
  for (const { name, input: inputs, output: outputs } of node) {
    for (const used of inputs)
      if (used !== "" && !defined.has(used)) faults.push(`node ${name}: "${used}" is not defined before`);
    for (const result of outputs) if (result !== "") define(result, `node ${name}`);
  }
  for (const { name, type } of output) {
    if (!defined.has(name)) faults.push(`output "${name}" is not defined`);
    if (type?.value.case !== "tensorType") faults.push(`output "${name}" has no type`);
  }
  if (new Set(node.map(({ name }) => name)).size < node.length) faults.push("two nodes have one name");
  return faults;
}

function sizeFault({ name, dataType, dims, rawData }: TensorProto): string[] {
  const dtype = elementTypes.get(dataType);
  if (!dtype) return [`initializer "${name}" has element type ${dataType}`];
  const wanted = count(dims.map(Number)) * arrayType(dtype).BYTES_PER_ELEMENT;
  return rawData.byteLength === wanted
    ? []
    : [`initializer "${name}" has ${rawData.byteLength} of ${wanted} bytes`];
}
