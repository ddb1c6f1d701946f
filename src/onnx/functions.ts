/** @file Functions that an ONNX file brings along: calls of them become their nodes. */
import { create } from "@bufbuild/protobuf";
import { malformed, quoted } from "./faults.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "./schema/onnx_pb.ts";
import { type SourceNode, sourceNode, standardDomain, type Versions } from "./source.ts";

/** Calls inside calls, and nodes in all, beyond which a file is refused. */
const limits = { depth: 50, nodes: 100_000 } as const;

const keyOf = (domain: string, name: string, overload: string): string =>
  JSON.stringify([standardDomain(domain), name, overload]);

/** The nodes with every call replaced by the nodes of the function. @throws DataError for functions without end */
export function inlined(
  nodes: readonly NodeProto[],
  versions: Versions,
  functions: readonly FunctionProto[],
): readonly SourceNode[] {
  if (functions.length === 0) return nodes.map((node) => sourceNode(node, versions));
  const known = new Map(functions.map((f) => [keyOf(f.domain, f.name, f.overload), f]));
  const inliner = new Inliner(known);
  for (const node of nodes) inliner.add(node, versions, 0);
  return inliner.nodes;
}

class Inliner {
  readonly nodes: SourceNode[] = [];
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #prefixes = new Set<string>();

  constructor(functions: ReadonlyMap<string, FunctionProto>) {
    this.#functions = functions;
  }

  add(node: NodeProto, versions: Versions, depth: number): void {
    const called = this.#functions.get(keyOf(node.domain, node.opType, node.overload));
    if (!called) {
      this.nodes.push(sourceNode(node, versions));
      if (this.nodes.length > limits.nodes)
        malformed(`its functions unfold to more than ${limits.nodes.toLocaleString("en-US")} nodes`);
      return;
    }
    if (depth >= limits.depth)
      malformed(`function ${quoted(called.name)} calls itself, or calls nest too deeply`);
    const body = this.#body(called, node);
    const inner = new Map(called.opsetImport.map((o) => [standardDomain(o.domain), Number(o.version)]));
    for (const part of called.node) this.add(body.node(part), new Map([...versions, ...inner]), depth + 1);
  }

  #body(called: FunctionProto, call: NodeProto): Renaming {
    const prefix = this.#prefix(call.name || call.opType);
    const names = new Map<string, string>();
    called.input.forEach((name, i) => {
      names.set(name, call.input[i] ?? "");
    });
    called.output.forEach((name, i) => {
      if (call.output[i]) names.set(name, call.output[i]);
    });
    const attributes = new Map([...called.attributeProto, ...call.attribute].map((a) => [a.name, a]));
    return new Renaming(prefix, names, attributes);
  }

  #prefix(name: string): string {
    let prefix = name;
    for (let i = 1; this.#prefixes.has(prefix); i++) prefix = `${name}#${i}`;
    this.#prefixes.add(prefix);
    return prefix;
  }
}

/** The body of a function with the names and attributes of one call. */
class Renaming {
  readonly #prefix: string;
  readonly #names: ReadonlyMap<string, string>;
  readonly #attributes: ReadonlyMap<string, AttributeProto>;

  constructor(
    prefix: string,
    names: ReadonlyMap<string, string>,
    attributes: ReadonlyMap<string, AttributeProto>,
  ) {
    this.#prefix = prefix;
    this.#names = names;
    this.#attributes = attributes;
  }

  node(node: NodeProto): NodeProto {
    return Object.assign(create(NodeProtoSchema), node, {
      name: `${this.#prefix}/${node.name || node.opType}`,
      input: node.input.map(this.#value),
      output: node.output.map(this.#value),
      attribute: node.attribute.flatMap((a) => this.#attribute(a)),
    });
  }

  readonly #value = (name: string): string =>
    name === "" ? "" : (this.#names.get(name) ?? `${this.#prefix}/${name}`);

  /** Attributes may stand for those of the call; one that the call leaves out is left out. */
  #attribute(attribute: AttributeProto): AttributeProto[] {
    const { refAttrName, name } = attribute;
    const given = refAttrName ? this.#attributes.get(refAttrName) : attribute;
    if (!given) return [];
    const copy = Object.assign(create(AttributeProtoSchema), given, { name });
    if (given === attribute) {
      copy.graphs = given.graphs.map((graph) => this.#graph(graph));
      if (given.g) copy.g = this.#graph(given.g);
    }
    return [copy];
  }

  #graph(graph: GraphProto): GraphProto {
    const named = <T extends { name: string }>(part: T): T =>
      Object.assign(Object.create(Object.getPrototypeOf(part)), part, { name: this.#value(part.name) });
    return Object.assign(create(GraphProtoSchema), graph, {
      node: graph.node.map((node) => this.node(node)),
      initializer: graph.initializer.map(named),
      input: graph.input.map(named),
      output: graph.output.map(named),
    });
  }
}
