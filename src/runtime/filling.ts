/** @file A session on the calling thread, which may write its outputs into memory that is given: for search, inside a worker. */
import * as ort from "onnxruntime-node";
import { couldNotLoad, sessionSettings } from "./ort.ts";

/** Memory that a session reads or fills. */
export interface Filled {
  readonly type: "float32" | "uint8" | "int64";
  readonly data: Float32Array | Uint8Array | BigInt64Array;
  readonly shape: readonly number[];
}

export interface FillingSession {
  /** Resolves to the outputs; those that are not given memory get new. */
  run(
    inputs: Readonly<Record<string, Filled>>,
    outputs?: Readonly<Record<string, Filled>>,
  ): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

const tensors = (given: Readonly<Record<string, Filled>>): Record<string, ort.Tensor> =>
  Object.fromEntries(
    Object.entries(given).map(([name, { type, data, shape }]) => [
      name,
      new ort.Tensor(type as "float32", data as Float32Array, shape),
    ]),
  );

/** Opens ONNX bytes on the processor. @throws RuntimeFailure where they cannot be loaded */
export async function openFilling(bytes: Uint8Array, threads: number): Promise<FillingSession> {
  ort.env.logLevel = "fatal";
  const settings = { ...sessionSettings({}), enableCpuMemArena: false, intraOpNumThreads: threads };
  const session = await ort.InferenceSession.create(bytes, settings).catch((error: Error) => {
    throw couldNotLoad(error);
  });
  return {
    run: (inputs, outputs) =>
      outputs ? session.run(tensors(inputs), tensors(outputs)) : session.run(tensors(inputs)),
    release: () => session.release(),
  };
}
