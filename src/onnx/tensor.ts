/** @file Tensors stored in ONNX files. */
import { DataError } from "../tensor/errors.ts";
import {
  count,
  type DType,
  elementBytes,
  formatShape,
  numbers,
  type Tensor,
  type TensorData,
} from "../tensor/spec.ts";
import { quoted } from "./faults.ts";
import { type Known, known } from "./known.ts";
import {
  TensorProto_DataType as DataType,
  TensorProto_DataLocation as Location,
  type TensorProto,
} from "./schema/onnx_pb.ts";

/** Element types of the engine, by their code in ONNX files. */
export const elementTypes: ReadonlyMap<number, DType> = new Map([
  [DataType.FLOAT, "float32"],
  [DataType.DOUBLE, "float64"],
  [DataType.INT32, "int32"],
  [DataType.INT64, "int64"],
  [DataType.UINT8, "uint8"],
  [DataType.BOOL, "bool"],
]);

/** Where in an external file the values of a tensor lie. */
export interface ExternalRange {
  readonly offset: number;
  readonly length: number;
}

/** Gives a range of bytes of an external data file, which is named as in the model. */
export type ReadExternal = (location: string, range: ExternalRange) => Uint8Array;

export interface StoredTensor extends Tensor {
  readonly dtype: DType;
}

const mostAxes = 64;

const bad = (where: string, what: string): never => {
  throw new DataError("onnx-tensor", `readOnnx: ${where}: ${what}`, { where });
};

const isExternal = ({ dataLocation }: TensorProto): boolean => dataLocation === Location.EXTERNAL;

/** Type and shape of a stored tensor. @throws DataError where they are impossible, or not those of the values beside them */
export function storedSpec(proto: TensorProto, where: string): { dtype: DType; shape: number[] } {
  const dtype = elementTypes.get(proto.dataType);
  if (!dtype)
    return bad(where, `element type ${DataType[proto.dataType] ?? proto.dataType} is not supported`);
  const shape = proto.dims.map(Number);
  if (shape.length > mostAxes) bad(where, `it has ${shape.length} axes; ${mostAxes} are the most`);
  const elements = count(shape);
  if (shape.some((d) => !Number.isSafeInteger(d) || d < 0) || !Number.isSafeInteger(elements))
    bad(where, `the shape ${formatShape(shape)} is impossible`);
  if (isExternal(proto)) return { dtype, shape };
  const raw = proto.rawData.length;
  const needed = elements * elementBytes[dtype];
  if (raw > 0 && raw !== needed)
    bad(where, `it stores ${raw} bytes, but ${dtype} ${formatShape(shape)} needs ${needed}`);
  const listed = raw > 0 ? elements : listOf(proto, dtype).length;
  if (listed !== elements)
    bad(where, `it stores ${listed} values, but ${dtype} ${formatShape(shape)} needs ${elements}`);
  return { dtype, shape };
}

/** Values of a stored tensor. @throws DataError where they do not agree with its type and shape */
export function readTensor(proto: TensorProto, where: string, external?: ReadExternal): StoredTensor {
  const { dtype, shape } = storedSpec(proto, where);
  const elements = count(shape);
  if (isExternal(proto)) {
    const bytes = externalBytes(proto, where, elements * elementBytes[dtype], external);
    return { dtype, shape, data: fromBytes(dtype, bytes) };
  }
  const stored = proto.rawData.length > 0;
  return { dtype, shape, data: stored ? fromBytes(dtype, proto.rawData) : listedValues(proto, dtype) };
}

/**
 * A copy (which the slice of a Buffer is not) where the bytes are part of something larger: they need not be aligned
 * there, nor stay as they are.
 */
function fromBytes(dtype: DType, bytes: Uint8Array): TensorData {
  const { buffer } = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "bool":
      return new Uint8Array(buffer).map((v) => Number(v !== 0));
    default:
      return new Uint8Array(buffer);
  }
}

function listOf(proto: TensorProto, dtype: DType): readonly (number | bigint)[] {
  switch (dtype) {
    case "float32":
      return proto.floatData;
    case "float64":
      return proto.doubleData;
    case "int64":
      return proto.int64Data;
    default:
      return proto.int32Data;
  }
}

function listedValues(proto: TensorProto, dtype: DType): TensorData {
  switch (dtype) {
    case "float32":
      return Float32Array.from(proto.floatData);
    case "float64":
      return Float64Array.from(proto.doubleData);
    case "int32":
      return Int32Array.from(proto.int32Data);
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    case "bool":
      return Uint8Array.from(proto.int32Data, (v) => Number(v !== 0));
    default:
      return Uint8Array.from(proto.int32Data);
  }
}

function externalBytes(
  proto: TensorProto,
  where: string,
  needed: number,
  external?: ReadExternal,
): Uint8Array {
  const fields = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = fields.get("location") ?? "";
  const file = `the external file ${quoted(location)}`;
  if (!external)
    return bad(where, `its values are in ${file}; read the model with readOnnxFile, or pass \`external\``);
  const offset = Number(fields.get("offset") ?? 0);
  const length = Number(fields.get("length") ?? needed);
  if (!Number.isSafeInteger(offset) || offset < 0) bad(where, `it starts at an impossible place of ${file}`);
  if (length !== needed)
    bad(where, `it has ${length} bytes in ${file}, but its type and shape need ${needed}`);
  if (needed === 0) return new Uint8Array();
  const bytes = external(location, { offset, length });
  if (bytes.length !== needed)
    bad(where, `${file} gave ${bytes.length} bytes from place ${offset} on, but ${needed} are needed`);
  return bytes;
}

/** Contents of a stored tensor. */
export const contentsOf = ({ dtype, shape, data }: StoredTensor): Known => known(dtype, shape, numbers(data));

/** int64 from here on means "as far as possible": flips end at −2⁶³+1. */
const farAway = 2n ** 63n - 1024n;

/** Whether numbers can stand for the elements: they hold them, or the elements are ends that no size reaches. */
export const isExact = ({ data }: StoredTensor): boolean =>
  !(data instanceof BigInt64Array) ||
  data.every((v) => BigInt(Number(v)) === v || v >= farAway || v <= -farAway);
