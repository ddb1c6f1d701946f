/** @file One ONNX Runtime session over typed arrays, whichever of its packages runs it. */
import type * as OrtNode from "onnxruntime-node";
import { RuntimeFailure } from "../tensor/errors.ts";
import { stream } from "../tensor/random.ts";
import { count, type DType, type Tensor, type TensorData } from "../tensor/spec.ts";
import type { Device } from "./device.ts";
import type { Draw, Feed, Feeds } from "./runtime.ts";

/** What is used of an ONNX Runtime package: onnxruntime-node and onnxruntime-web have it in common. */
export type Ort = Pick<typeof OrtNode, "InferenceSession" | "Tensor" | "env">;

/** A random input: elements are 1/keep with probability keep, else 0. */
export interface RandomSpec {
  readonly keep: number;
  readonly shape: readonly number[];
}

export interface SessionOptions {
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  readonly profile?: string | undefined;
  /** Inputs that are drawn here, by name, when a run brings a `Draw`. */
  readonly randoms?: Readonly<Record<string, RandomSpec>>;
}

/** The element type of each input, by name: a Uint8Array alone does not tell bool from uint8. */
export type InputTypes = Readonly<Record<string, DType>>;

/** The code of the RuntimeFailure that says a session is gone, through no fault of what it ran: open another. */
export const lostSession = "worker";

export interface Session {
  run(feeds: Feeds, draw?: Draw): Promise<Record<string, Tensor>>;
  /** Draws the random inputs of a coming run, while nothing else is to be done. */
  prepare(draw: Draw): void;
  release(): Promise<void>;
}

/** Does pieces of work one after the other, whether or not those before succeed. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

export function oneAfterTheOther(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => {});
    return next;
  };
}

/** Settings that every package understands. */
export const sessionSettings = ({ profile }: SessionOptions): OrtNode.InferenceSession.SessionOptions => ({
  executionMode: "sequential",
  enableMemPattern: false, // one block for the whole run would hold every buffer at once
  graphOptimizationLevel: "all",
  logSeverityLevel: 3,
  // Probabilities that underflow become denormals, which slow every later product on some processors.
  // Threads that go on spinning after a run would hold up the thread that digests its outputs.
  extra: { session: { set_denormal_as_zero: "1", force_spinning_stop: "1" } },
  ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
});

type Settings = OrtNode.InferenceSession.SessionOptions;

/**
 * Loads with a change of settings where ONNX Runtime defeats itself: it fuses x·sigmoid(x) of float64 into an operator
 * that it has no kernel for.
 */
export async function loadWith<S extends Settings, T>(
  load: (settings: S) => Promise<T>,
  settings: S,
): Promise<T> {
  try {
    return await load(settings);
  } catch (error) {
    if (!/QuickGeluFusion/.test((error as Error).message)) throw error;
    const optimization = { disable_specified_optimizers: "QuickGeluFusion" };
    return load({ ...settings, extra: { ...settings.extra, optimization } });
  }
}

/** What ONNX Runtime says, on one line. */
const said = ({ message }: Error): string => {
  const line = message.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > 600 ? `${line.slice(0, 600)}…` : line;
};

export const couldNotLoad = (error: Error): RuntimeFailure =>
  new RuntimeFailure("compile", `ONNX Runtime could not load the program: ${said(error)}`);

/**
 * A session whose runs happen in turn: random inputs and copies of shared memory are buffers that the next run fills
 * anew. @throws RuntimeFailure from `run`
 */
export function wrapSession(
  { Tensor: OrtTensor }: Ort,
  session: OrtNode.InferenceSession,
  types: InputTypes,
  options: SessionOptions,
  inTurn: InTurn = oneAfterTheOther(),
): Session {
  const needed = new Set(session.inputNames);
  const locals = new Map<string, Local>();
  const masks = createMasks(options.randoms ?? {});
  return {
    prepare: (draw) => void masks(draw),
    run: (feeds, draw) => inTurn(() => runOnce(feeds, draw)),
    release: () =>
      inTurn(async () => {
        if (options.profile) session.endProfiling();
        await session.release();
      }),
  };

  async function runOnce(feeds: Feeds, draw?: Draw) {
    const tensors: Record<string, OrtNode.Tensor> = {};
    const all: Feeds = { ...(draw ? masks(draw) : {}), ...feeds };
    for (const [name, feed] of Object.entries(all)) {
      if (!needed.has(name)) continue;
      const own = ownMemory(locals, name, feed) as Float32Array;
      tensors[name] = new OrtTensor((types[name] ?? "float32") as "float32", own, feed.shape);
    }
    const outputs = await session.run(tensors).catch((error: Error) => {
      throw new RuntimeFailure(
        "run",
        `ONNX Runtime could not run the program: ${said(error)}${memoryHint(error)}`,
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
function createMasks(
  randoms: Readonly<Record<string, RandomSpec>>,
): (draw: Draw) => Readonly<Record<string, Tensor>> {
  const masks: Record<string, Tensor> = {};
  let drawn = "";
  return ({ seed, index }) => {
    if (drawn === `${seed}/${index}`) return masks;
    for (const [name, { keep, shape }] of Object.entries(randoms)) {
      masks[name] ??= { data: new Float32Array(count(shape)), shape };
      stream(seed, name, index).fillDropoutMask(masks[name].data as Float32Array, keep);
    }
    drawn = `${seed}/${index}`;
    return masks;
  };
}

/** A copy of shared memory. */
interface Local {
  readonly data: TensorData;
  readonly version: number | undefined;
}

/** ONNX Runtime does not take shared memory: shared arrays are copied into a buffer that is kept for the next run. */
function ownMemory(locals: Map<string, Local>, name: string, { data, version }: Feed): TensorData {
  if (data.buffer instanceof ArrayBuffer) return data;
  const known = locals.get(name);
  const fits = known?.data.length === data.length;
  if (fits && version !== undefined && known.version === version) return known.data;
  const own = fits ? known.data : (Reflect.construct(data.constructor, [data.length]) as TensorData);
  (own as Float32Array).set(data as Float32Array);
  locals.set(name, { data: own, version });
  return own;
}
