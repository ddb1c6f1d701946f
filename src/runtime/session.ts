/** @file Sessions of onnxruntime-node, on the device that is asked for; shared by the in-process and the worker runtime. */
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { writeOnnx } from "../onnx/write.ts";
import { ConfigError } from "../tensor/errors.ts";
import { leastProgram } from "./compile.ts";
import { absentDevice, checkDevice, type Device } from "./device.ts";
import {
  couldNotLoad,
  type InputTypes,
  loadWith,
  type Session,
  type SessionOptions,
  sessionSettings,
  wrapSession,
} from "./ort.ts";

/**
 * A session of a model's bytes, or of its file.
 *
 * @throws RuntimeFailure where it cannot be loaded, ConfigError where the device is absent or unknown
 */
export async function openSession(
  model: Uint8Array | string,
  types: InputTypes,
  options: SessionOptions,
): Promise<Session> {
  const { device = "cpu", threads = availableParallelism() } = options;
  checkDevice(device);
  const settings = { ...sessionSettings(options), intraOpNumThreads: threads, interOpNumThreads: 1 };
  const session = await create(model, device, settings).catch(async (error: Error) => {
    throw (await isPresent(device)) ? couldNotLoad(error) : absent(device, error);
  });
  return wrapSession(ort, session, types, options);
}

function create(
  model: Uint8Array | string,
  device: Device,
  settings: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession> {
  ort.env.logLevel = "fatal"; // what fails is thrown: it need not be printed as well
  const { InferenceSession } = ort;
  const load = (all: ort.InferenceSession.SessionOptions) =>
    typeof model === "string" ? InferenceSession.create(model, all) : InferenceSession.create(model, all);
  return loadWith(load, {
    ...settings,
    executionProviders: [device],
  });
}

/** Whether the least of programs can be loaded there: tells an absent device from a program that is at fault. */
async function isPresent(device: Device): Promise<boolean> {
  if (device === "cpu") return true;
  return create(writeOnnx(leastProgram()), device, { logSeverityLevel: 4 }).then(
    (session) => session.release().then(() => true),
    () => false,
  );
}

function absent(device: Device, { message: reason }: Error): ConfigError {
  const built = ort.listSupportedBackends().map(({ name }) => name);
  const system = `${process.platform} ${process.arch}`;
  return new ConfigError("device", absentDevice(device, built, system), { device, reason });
}
