/** @file The browser runtime: onnxruntime-web, on WebGPU where the browser has it, else in WebAssembly. */
import { ConfigError, RuntimeFailure } from "../tensor/errors.ts";
import { compileWith, type OpenSession } from "./compile.ts";
import { checkDevice, type Device } from "./device.ts";
import { couldNotLoad, loadWith, type Ort, oneAfterTheOther, sessionSettings, wrapSession } from "./ort.ts";
import type { Runtime } from "./runtime.ts";

/** The devices of a browser: "cpu" is WebAssembly. */
export type WebDevice = "cpu" | "webgpu";

export interface WebRuntimeOptions {
  /** Default: "webgpu" where the browser gives an adapter, else "cpu"; a program may name its own. */
  readonly device?: WebDevice;
  /** Gives ONNX Runtime for a device; default: the package onnxruntime-web, of which a page loads only what it uses. */
  readonly load?: (device: WebDevice) => Promise<Ort>;
}

/** WebAssembly addresses 4 GB. */
const mostBytes = 2 ** 32;

/** ONNX Runtime has one state for the whole page, and WebGPU cannot begin a call while another waits for the GPU. */
const inTurn = oneAfterTheOther();

/**
 * Programs run on the thread of the caller: in a page, on that of the page, unless the code is in a Web Worker. Threads
 * of WebAssembly need a cross-origin isolated page; the number that the first program asks for is that of all.
 *
 * @throws from `run`: RuntimeFailure where onnxruntime-web is absent, ConfigError where the device is
 */
export function webRuntime({ device: preferred, load = loadPackage }: WebRuntimeOptions = {}): Runtime {
  const open: OpenSession = async (bytes, types, options) => {
    const device = await chooseDevice(options.device ?? preferred);
    const ort = await load(device);
    if (options.threads !== undefined) ort.env.wasm.numThreads = options.threads;
    const settings = { ...sessionSettings(options), executionProviders: providers[device] };
    const create = (all: typeof settings) => ort.InferenceSession.create(bytes, all);
    const session = await inTurn(() => loadWith(create, settings)).catch((error: Error) => {
      throw couldNotLoad(error);
    });
    return wrapSession(ort, session, types, options, inTurn);
  };
  return {
    name: "web",
    compile: async (graph, options) => compileWith(open, graph, options, mostBytes),
    dispose: async () => {},
  };
}

const providers: Readonly<Record<WebDevice, readonly string[]>> = {
  cpu: ["wasm"],
  webgpu: ["webgpu", "wasm"],
};

async function chooseDevice(asked: Device | undefined): Promise<WebDevice> {
  if (asked === undefined) return (await hasAdapter()) ? "webgpu" : "cpu";
  checkDevice(asked);
  if (asked !== "cpu" && asked !== "webgpu") {
    const message = `device "${asked}" does not exist in a browser: use "webgpu" or "cpu"`;
    throw new ConfigError("device", message, { device: asked });
  }
  if (asked === "webgpu" && !(await hasAdapter())) {
    const message =
      'device "webgpu" was not found: this browser offers no WebGPU adapter; turn WebGPU on, update the browser or the graphics driver, or use device "cpu"';
    throw new ConfigError("device", message, { device: asked });
  }
  return asked;
}

interface Gpu {
  requestAdapter(): Promise<object | null>;
}

async function hasAdapter(): Promise<boolean> {
  const { gpu } = (globalThis as { navigator?: { gpu?: Gpu } }).navigator ?? {};
  return Boolean(await gpu?.requestAdapter().catch(() => null));
}

async function loadPackage(device: WebDevice): Promise<Ort> {
  try {
    return device === "webgpu"
      ? await import("onnxruntime-web/webgpu")
      : await import("onnxruntime-web/wasm");
  } catch (error) {
    const message = `the browser runtime needs the package onnxruntime-web: npm install onnxruntime-web, and where no bundler resolves it, name "onnxruntime-web/wasm" and "onnxruntime-web/webgpu" in the page's import map (${(error as Error).message})`;
    throw new RuntimeFailure("package", message);
  }
}
