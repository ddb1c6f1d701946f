/** @file The law of reading: an ONNX file as we read and compile it does what ONNX Runtime makes of the file itself. */
import { type ReadOptions, readOnnx } from "../onnx/read.ts";
import { compile } from "../runtime/node.ts";
import { openSession } from "../runtime/session.ts";
import { type DType, numbers, type Tensor } from "../tensor/spec.ts";
import { relativeError } from "./check-op.ts";

/**
 * Largest error of the file read, compiled and run against the file run as it is, relative to the size of the values;
 * equal infinities and NaNs agree.
 *
 * @throws Error where shapes or element types differ
 */
export async function checkModel(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
  options?: ReadOptions,
): Promise<number> {
  const graph = readOnnx(bytes, options);
  const types = Object.fromEntries([...graph.inputs].map(([name, { dtype }]) => [name, dtype]));
  const expected = await runFile(bytes, types, feeds);
  const program = await compile(graph, { threads: 1 });
  const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => graph.inputs.has(name)));
  const actual = await program.run(used);
  await program.dispose();
  return Math.max(
    0,
    ...Object.entries(expected).map(([name, want]) => difference(name, actual[name]!, want)),
  );
}

async function runFile(bytes: Uint8Array, types: Record<string, DType>, feeds: Record<string, Tensor>) {
  const session = await openSession(bytes, types, { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

function difference(name: string, got: Tensor, want: Tensor): number {
  const form = ({ data, shape }: Tensor): string => `${data.constructor.name} [${shape}]`;
  if (form(got) !== form(want))
    throw new Error(`${name}: ONNX Runtime gives ${form(want)}, the graph that was read gives ${form(got)}`);
  return relativeError(numbers(got.data), numbers(want.data));
}
