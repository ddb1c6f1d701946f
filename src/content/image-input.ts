/** @file What an image encoder's file says of the pictures it takes. */

import { inspectOnnx, type OnnxPorts } from "../onnx/inspect.ts";
import { DataError } from "../tensor/errors.ts";
import { type ImageInput, normalizations } from "./images.ts";

/** The error of a file that is no image encoder, and why. */
export const notAnEncoder = (file: string, what: string): DataError =>
  new DataError("not-an-image-encoder", `${file}: this is no image encoder: ${what}`, { file });

/** The encoder's one input, and what its shape says: layout, and size where it is fixed. */
export function imageInput(file: string, bytes: Uint8Array, options: Partial<ImageInput>) {
  const { inputs } = portsOf(file, bytes);
  const [only] = inputs;
  const shown = inputs.map(({ name, type, shape }) => `"${name}" ${type} [${shape.join(", ")}]`).join(", ");
  const wanted = "an image encoder takes one FLOAT [N, 3, height, width] or [N, height, width, 3]";
  if (only === undefined || inputs.length > 1 || only.type !== "FLOAT" || only.shape.length !== 4)
    throw notAnEncoder(file, `it takes ${shown}; ${wanted}`);
  const layout = options.layout ?? (only.shape[3] === 3 ? "nhwc" : "nchw");
  const [rows, columns] = layout === "nchw" ? [only.shape[2], only.shape[3]] : [only.shape[1], only.shape[2]];
  const colours = only.shape[layout === "nchw" ? 1 : 3];
  if (typeof colours === "number" && colours !== 3)
    throw notAnEncoder(file, `it takes ${shown}, whose ${colours} are not 3 colours; ${wanted}`);
  const size = (given: number | undefined, known: number | string | undefined, name: string): number => {
    if (given !== undefined && typeof known === "number" && given !== known)
      throw notAnEncoder(file, `its ${name} is ${known}, and ${given} is asked for`);
    return given ?? (typeof known === "number" ? known : DEFAULT_SIZE);
  };
  const input: ImageInput = {
    width: size(options.width, columns, "width"),
    height: size(options.height, rows, "height"),
    layout,
    mean: options.mean ?? normalizations.signed.mean,
    deviation: options.deviation ?? normalizations.signed.deviation,
  };
  const [batch] = only.shape;
  return { port: only.name, input, fixed: typeof batch === "number" ? batch : undefined };
}

/** Height and width where the encoder takes any. */
const DEFAULT_SIZE = 224;

/** What an ONNX file takes and gives. @throws DataError where it is none */
export function portsOf(file: string, bytes: Uint8Array): OnnxPorts {
  try {
    return inspectOnnx(bytes);
  } catch (error) {
    throw notAnEncoder(file, (error as Error).message);
  }
}
