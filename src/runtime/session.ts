/** @file One ONNX Runtime session over typed arrays; shared by the in-process and the worker runtime. */
import * as ort from "onnxruntime-node";
import { RuntimeFailure } from "../tensor/errors.ts";
import { stream } from "../tensor/random.ts";
import { count, type DType, type Tensor, type TensorData } from "../tensor/spec.ts";
import type { Draw } from "./runtime.ts";

/** A random input: elements are 1/keep with probability keep, else 0. */
export interface RandomSpec {
  readonly keep: number;
  readonly shape: readonly number[];
}

export interface SessionOptions {
  readonly threads: number;
  readonly profile?: string;
  /** Inputs that are drawn here, by name, when a run brings a `Draw`. */
  readonly randoms?: Readonly<Record<string, RandomSpec>>;
}

/** The element type of each input, by name: a Uint8Array alone does not tell bool from uint8. */
export type InputTypes = Readonly<Record<string, DType>>;

export interface Session {
  run(feeds: Readonly<Record<string, Tensor>>, draw?: Draw): Promise<Record<string, Tensor>>;
  /** Draws the random inputs of a coming run, while nothing else is to be done. */
  prepare(draw: Draw): void;
  release(): Promise<void>;
}

export async function openSession(
  bytes: Uint8Array,
  types: InputTypes,
  options: SessionOptions,
): Promise<Session> {
  const session = await create(bytes, options);
  const needed = new Set(session.inputNames);
  const locals = new Map<string, TensorData>();
  const masks = createMasks(options.randoms ?? {});
  let last: Promise<unknown> = Promise.resolve();
  return {
    prepare: (draw) => masks.draw(draw),
    // One after the other: masks and copies of shared memory are buffers that the next run fills anew.
    run(feeds, draw) {
      const next = last.then(() => runOnce(feeds, draw));
      last = next.catch(() => {});
      return next;
    },
    async release() {
      if (options.profile) session.endProfiling();
      await session.release();
    },
  };

  async function runOnce(feeds: Readonly<Record<string, Tensor>>, draw?: Draw) {
    const tensors: Record<string, ort.Tensor> = draw ? { ...masks.draw(draw) } : {};
    for (const [name, { data, shape }] of Object.entries(feeds)) {
      if (needed.has(name))
        tensors[name] = new ort.Tensor(
          types[name] as "float32",
          ownMemory(locals, name, data) as Float32Array,
          shape,
        );
    }
    const outputs = await session.run(tensors).catch((error: Error) => {
      throw new RuntimeFailure(
        "run",
        `ONNX Runtime could not run the program: ${error.message}${memoryHint(error)}`,
      );
    });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, t]) => [name, { data: t.data as Tensor["data"], shape: t.dims }]),
    );
  }
}

const memoryHint = ({ message }: Error): string =>
  /alloc/i.test(message) ? "; the memory is not enough: lower training.batchTokens or loss.chunk" : "";

/** Buffers for random inputs, filled for one draw at a time. */
function createMasks(randoms: Readonly<Record<string, RandomSpec>>) {
  const tensors: Record<string, ort.Tensor> = {};
  let drawn = "";
  return {
    draw({ seed, index }: Draw): Record<string, ort.Tensor> {
      if (drawn === `${seed}/${index}`) return tensors;
      for (const [name, { keep, shape }] of Object.entries(randoms)) {
        tensors[name] ??= new ort.Tensor("float32", new Float32Array(count(shape)), shape);
        stream(seed, name, index).fillDropoutMask(tensors[name].data as Float32Array, keep);
      }
      drawn = `${seed}/${index}`;
      return tensors;
    },
  };
}

/** ONNX Runtime does not take shared memory: shared arrays are copied into a buffer that is kept for the next run. */
function ownMemory(locals: Map<string, TensorData>, name: string, data: TensorData): TensorData {
  if (!(data.buffer instanceof SharedArrayBuffer)) return data;
  let local = locals.get(name);
  if (local?.length !== data.length) {
    local = Reflect.construct(data.constructor, [data.length]) as TensorData;
    locals.set(name, local);
  }
  (local as Float32Array).set(data as Float32Array);
  return local;
}

function create(bytes: Uint8Array, { threads, profile }: SessionOptions): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    enableMemPattern: false, // one block for the whole run would hold every buffer at once
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    // Probabilities that underflow become denormals, which slow every later product on some processors.
    extra: { session: { set_denormal_as_zero: "1" } },
    ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
  }).catch((error: Error) => {
    throw new RuntimeFailure("compile", `ONNX Runtime could not load the program: ${error.message}`);
  });
}
