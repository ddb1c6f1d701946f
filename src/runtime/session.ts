/** @file Sessions of onnxruntime-node, on the device that is asked for; shared by the in-process and the worker runtime. */
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { Graph } from "../graph/graph.ts";
import { add } from "../graph/ops/index.ts";
import { writeOnnx } from "../onnx/write.ts";
import { RuntimeFailure } from "../tensor/errors.ts";
import { f32 } from "../tensor/spec.ts";
import { absentDevice, checkDevice, type Device } from "./device.ts";
import {
  couldNotLoad,
  type InputTypes,
  type Session,
  type SessionOptions,
  sessionSettings,
  wrapSession,
} from "./ort.ts";

/** @throws RuntimeFailure where the bytes cannot be loaded or the device is absent, ConfigError for an unknown device */
export async function openSession(
  bytes: Uint8Array,
  types: InputTypes,
  options: SessionOptions,
): Promise<Session> {
  const { device = "cpu", threads = availableParallelism() } = options;
  checkDevice(device);
  const settings = { ...sessionSettings(options), intraOpNumThreads: threads, interOpNumThreads: 1 };
  const session = await create(bytes, device, settings).catch(async (error: Error) => {
    throw (await isPresent(device)) ? couldNotLoad(error) : absent(device, error);
  });
  return wrapSession(ort, session, types, options);
}

const create = (
  bytes: Uint8Array,
  device: Device,
  settings: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(bytes, { ...settings, executionProviders: [device] });

/** Whether the least of programs can be loaded there: tells an absent device from a program that is at fault. */
async function isPresent(device: Device): Promise<boolean> {
  if (device === "cpu") return true;
  const least = new Graph();
  least.output("y", add(least.input("x", f32(1)), 1));
  return create(writeOnnx(least), device, { logSeverityLevel: 4 }).then(
    (session) => session.release().then(() => true),
    () => false,
  );
}

function absent(device: Device, { message: reason }: Error): RuntimeFailure {
  const built = ort.listSupportedBackends().map(({ name }) => name);
  const system = `${process.platform} ${process.arch}`;
  return new RuntimeFailure("device", absentDevice(device, built, system), { device, reason });
}
