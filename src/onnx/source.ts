/** @file The nodes of an ONNX file as they stand in it. */
import { plain } from "./faults.ts";
import { type GraphProto, AttributeProto_AttributeType as Kind, type NodeProto } from "./schema/onnx_pb.ts";

/** Versions of operator sets by domain, "" for the standard one. */
export type Versions = ReadonlyMap<string, number>;

/** One node, and what decides its meaning. */
export interface SourceNode {
  readonly proto: NodeProto;
  /** `Add`, or `com.microsoft.Gelu`. */
  readonly type: string;
  readonly name: string;
  /** The operator sets in force where it stands: a function of the file may have others than its graph. */
  readonly versions: Versions;
}

export const standardDomain = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

export function sourceNode(proto: NodeProto, versions: Versions): SourceNode {
  const domain = standardDomain(proto.domain);
  const type = plain(domain === "" ? proto.opType : `${domain}.${proto.opType}`);
  return { proto, type, name: proto.name || proto.output.find((output) => output !== "") || type, versions };
}

/** Graphs inside a node: the branches of a condition, the body of a loop. */
export const subgraphsOf = ({ attribute }: NodeProto): GraphProto[] =>
  attribute.flatMap((a) => (a.type === Kind.GRAPHS ? a.graphs : a.g ? [a.g] : []));

/** Names a node reads: its inputs, and what the graphs inside it take from outside. */
export function usedBy(proto: NodeProto): string[] {
  const inputs = proto.input.filter((name) => name !== "");
  const inner = subgraphsOf(proto);
  return inner.length === 0 ? inputs : [...inputs, ...inner.flatMap(takenBy)];
}

function takenBy(graph: GraphProto): string[] {
  const own = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const used = [...graph.node.flatMap(usedBy), ...graph.output.map(({ name }) => name)];
  return [...new Set(used)].filter((name) => !own.has(name));
}
