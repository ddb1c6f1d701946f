/** @file One error for all that is not supported in a file. */
import { DataError } from "../tensor/errors.ts";
import { someOf } from "./faults.ts";
import { rules } from "./rules/index.ts";
import { TensorProto_DataType as DataType, type TypeProto } from "./schema/onnx_pb.ts";
import { type SourceNode, subgraphsOf } from "./source.ts";
import { elementTypes } from "./tensor.ts";

const kinds = { operators: "operators", control: "control flow that depends on what is fed", types: "types" };

type Kind = keyof typeof kinds;

/** Types of values, as files call them: FLOAT16, or "sequence". */
export const typeName = (code: number): string => DataType[code] ?? `element type ${code}`;

const containers: Readonly<Record<string, string>> = {
  sequenceType: "sequence",
  mapType: "map",
  optionalType: "optional",
  sparseTensorType: "sparse tensor",
  opaqueType: "opaque",
};

/** The name of a type that is not supported; null for one that is. */
export function unsupportedType(type: TypeProto | undefined): string | null {
  const held = type?.value;
  if (held?.case !== "tensorType") return containers[held?.case ?? ""] ?? "no type";
  return elementTypes.has(held.value.elemType) ? null : typeName(held.value.elemType);
}

/** Collects names by what is not supported about them. */
export class Unsupported {
  readonly #found = { operators: new Map(), control: new Map(), types: new Map() } as Readonly<
    Record<Kind, Map<string, string[]>>
  >;

  add(kind: Kind, what: string, name: string): void {
    const names = this.#found[kind].get(what);
    if (names) names.push(name);
    else this.#found[kind].set(what, [name]);
  }

  /** Whether something that the node says of itself is not supported. */
  has(node: SourceNode): boolean {
    if (node.type !== "If" && !Object.hasOwn(rules, node.type)) {
      this.add(subgraphsOf(node.proto).length > 0 ? "control" : "operators", node.type, node.name);
      return true;
    }
    const codes = node.proto.attribute.flatMap((a) => {
      if (a.t) return [a.t.dataType];
      return node.type === "Cast" && a.name === "to" ? [Number(a.i)] : [];
    });
    const unknown = codes.filter((code) => !elementTypes.has(code));
    for (const code of unknown) this.add("types", typeName(code), node.name);
    return unknown.length > 0;
  }

  /** @throws DataError where something was added */
  refuse(): void {
    const parts = (Object.keys(kinds) as Kind[]).flatMap((kind) => {
      const found = [...this.#found[kind]].map(
        ([what, names]) => `${what} ×${names.length} (${someOf(names)})`,
      );
      return found.length === 0 ? [] : [`${kinds[kind]}: ${found.join(", ")}`];
    });
    if (parts.length === 0) return;
    const fields = Object.fromEntries(
      (Object.keys(kinds) as Kind[]).map((kind) => [kind, [...this.#found[kind].keys()]]),
    );
    throw new DataError("onnx-unsupported", `readOnnx: not supported: ${parts.join("; ")}`, fields);
  }
}
