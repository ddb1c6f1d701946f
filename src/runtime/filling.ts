/** @file A session that writes its outputs into memory that is given, on the calling thread: for search, inside a worker. */
import * as ort from "onnxruntime-node";
import { couldNotLoad, sessionSettings } from "./ort.ts";

/** Memory that a session reads or fills. */
export interface Filled {
  readonly type: "float32" | "uint8";
  readonly data: Float32Array | Uint8Array;
  readonly shape: readonly number[];
}

export interface FillingSession {
  run(inputs: Readonly<Record<string, Filled>>, outputs: Readonly<Record<string, Filled>>): Promise<void>;
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
    run: async (inputs, outputs) => void (await session.run(tensors(inputs), tensors(outputs))),
    release: () => session.release(),
  };
}
