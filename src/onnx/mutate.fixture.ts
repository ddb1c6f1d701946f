/** @file Damages ONNX files, as bytes and through their schema, the same for the same stream. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Stream } from "../tensor/random.ts";
import { rules } from "./rules/index.ts";
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as Kind,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./schema/onnx_pb.ts";

const types = [...Object.keys(rules), "If", "Loop", "Nonsense"];
const integers = [
  0n,
  1n,
  2n,
  3n,
  7n,
  64n,
  65n,
  4097n,
  10n ** 5n,
  10n ** 9n,
  2n ** 31n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
];

const pick = <T>(random: Stream, from: readonly T[]): T => from[random.below(from.length)]!;

function integer(random: Stream): bigint {
  const size = pick(random, integers);
  return random.below(3) === 0 ? -size : size;
}

/** Changes some bytes, cuts the file, repeats or removes a stretch of it. */
export function mutateBytes(bytes: Uint8Array, random: Stream): Uint8Array {
  const at = random.below(bytes.length);
  const length = Math.min(1 + random.below(64), bytes.length - at);
  switch (random.below(5)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length));
    case 2:
      return Uint8Array.of(...bytes.subarray(0, at + length), ...bytes.subarray(at));
    default: {
      const changed = bytes.slice();
      for (let i = 0; i <= random.below(8); i++) changed[random.below(bytes.length)] = random.below(256);
      return changed;
    }
  }
}

/** Changes one to three fields: attributes, dimensions, types, names, edges, contents. */
export function mutateFields(bytes: Uint8Array, random: Stream): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  for (let i = 0; i <= random.below(3); i++) pick(random, mutations)(model, random);
  return toBinary(ModelProtoSchema, model);
}

type Mutation = (model: ModelProto, random: Stream) => void;

const onNode =
  (change: (node: NodeProto, random: Stream, model: ModelProto) => void): Mutation =>
  (model, random) => {
    const nodes = model.graph?.node ?? [];
    if (nodes.length > 0) change(pick(random, nodes), random, model);
  };

const onTensor =
  (change: (tensor: TensorProto, random: Stream) => void): Mutation =>
  (model, random) => {
    const constants = (model.graph?.node ?? []).flatMap((n) =>
      n.attribute.flatMap((a) => (a.t ? [a.t] : [])),
    );
    const tensors = [...(model.graph?.initializer ?? []), ...constants];
    if (tensors.length > 0) change(pick(random, tensors), random);
  };

const onInput =
  (change: (input: ValueInfoProto, random: Stream) => void): Mutation =>
  (model, random) => {
    const inputs = model.graph?.input ?? [];
    if (inputs.length > 0) change(pick(random, inputs), random);
  };

function names({ graph }: ModelProto): string[] {
  const all = [...(graph?.input ?? []), ...(graph?.initializer ?? [])].map(({ name }) => name);
  return ["", "nothing", ...all, ...(graph?.node ?? []).flatMap(({ output }) => output)];
}

function changeAttribute({ attribute }: NodeProto, random: Stream): void {
  if (attribute.length === 0) return;
  const a = pick(random, attribute);
  if (a.ints.length > 0 && random.below(2) === 0) a.ints[random.below(a.ints.length)] = integer(random);
  else if (a.ints.length > 0) a.ints = Array.from({ length: random.below(6) }, () => integer(random));
  else if (a.type === Kind.FLOAT) a.f = pick(random, [0, -1, 1e30, Number.NaN, Number.POSITIVE_INFINITY]);
  else if (a.type === Kind.STRING)
    a.s = new TextEncoder().encode(pick(random, ["", "SAME_UPPER", "reflect", "x"]));
  else a.i = integer(random);
}

/** Other contents for integers: shapes, axes, repetitions, starts and ends. */
function changeContents(tensor: TensorProto, random: Stream): void {
  if (tensor.dataType !== 7) return;
  const { rawData } = tensor;
  const elements = Math.floor(rawData.length / 8);
  if (elements === 0) {
    tensor.int64Data = tensor.int64Data.map(() => integer(random));
    return;
  }
  const copy = rawData.slice();
  new DataView(copy.buffer).setBigInt64(8 * random.below(elements), integer(random), true);
  tensor.rawData = copy;
}

const mutations: readonly Mutation[] = [
  onNode(changeAttribute),
  onNode(changeAttribute),
  onNode(changeAttribute),
  onTensor(changeContents),
  onTensor(changeContents),
  onTensor(changeContents),
  onNode(({ attribute }, random) => attribute.splice(random.below(attribute.length + 1), 1)),
  onNode(({ attribute }, random) => {
    if (attribute.length > 0) pick(random, attribute).type = random.below(15) as Kind;
  }),
  onNode(({ attribute }, random) => {
    const name = pick(random, ["axis", "axes", "perm", "group", "to", "kernel_shape", "pads", "keepdims"]);
    const values = Array.from({ length: random.below(4) }, () => integer(random));
    const one = { type: Kind.INT, i: integer(random) };
    attribute.push(
      create(AttributeProtoSchema, { name, ...(random.below(2) ? one : { type: Kind.INTS, ints: values }) }),
    );
  }),
  onNode((node, random) => {
    node.opType = pick(random, types);
  }),
  onNode((node, random, model) => {
    if (node.input.length > 0) node.input[random.below(node.input.length)] = pick(random, names(model));
  }),
  onNode((node, random, model) =>
    node.input.splice(random.below(4), random.below(2), pick(random, names(model))),
  ),
  onNode((node, random, model) => {
    if (node.output.length > 0) node.output[random.below(node.output.length)] = pick(random, names(model));
  }),
  onNode((node, _, model) => model.graph!.node.push(node)),
  onNode((node, random, model) => model.graph!.node.splice(random.below(4), 0, node)),
  onNode((node, _, { graph }) => {
    graph!.node = graph!.node.filter((other) => other !== node);
  }),
  onTensor((tensor, random) => {
    if (tensor.dims.length > 0) tensor.dims[random.below(tensor.dims.length)] = integer(random);
  }),
  onTensor((tensor, random) => {
    tensor.dims = Array.from({ length: random.below(7) }, () => integer(random));
  }),
  onTensor((tensor, random) => {
    tensor.dataType = random.below(20);
  }),
  onTensor((tensor, random) => {
    tensor.rawData = tensor.rawData.slice(0, random.below(tensor.rawData.length + 1));
  }),
  onInput(({ type }, random) => {
    if (type?.value.case !== "tensorType") return;
    const dims = type.value.value.shape?.dim ?? [];
    if (dims.length > 0) pick(random, dims).value = { case: "dimValue", value: integer(random) };
  }),
  onInput(({ type }, random) => {
    if (type?.value.case !== "tensorType") return;
    const dims = type.value.value.shape?.dim ?? [];
    const text = pick(random, [
      "",
      "B",
      "B*B",
      "floor(B/0)",
      "-1",
      "constructor",
      "a b",
      "(".repeat(99),
      "9".repeat(99),
    ]);
    if (dims.length > 0) pick(random, dims).value = { case: "dimParam", value: text };
  }),
  onInput(({ type }, random) => {
    if (type?.value.case === "tensorType") type.value.value.elemType = random.below(20);
  }),
  onInput((input, random) => {
    if (random.below(2) === 0) delete input.type;
    else if (input.type?.value.case === "tensorType") delete input.type.value.value.shape;
  }),
  (model, random) => {
    const outputs = model.graph?.output ?? [];
    if (outputs.length > 0) pick(random, outputs).name = pick(random, names(model));
  },
  (model, random) => {
    for (const set of model.opsetImport) set.version = integer(random);
  },
  (model, random) => {
    for (const set of model.opsetImport) set.version = BigInt(11 + random.below(12));
  },
];
