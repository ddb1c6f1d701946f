/** @file The devices a program can run on, and what to say where one is absent. */
import { ConfigError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";

export const devices = ["cpu", "cuda", "webgpu", "coreml", "dml"] as const;

/** Where ONNX Runtime runs a program; operators that a device lacks run on the processor. */
export type Device = (typeof devices)[number];

/** Systems whose onnxruntime-node contains a device, and what a machine must have for it. */
const needs: Readonly<Record<Device, { readonly systems: string; readonly install: string }>> = {
  cpu: { systems: "every system", install: "nothing" },
  cuda: {
    systems: "Linux on x64",
    install:
      "an NVIDIA driver, CUDA 12, cuDNN 9 and ONNX Runtime's CUDA library (ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install.js downloads it)",
  },
  webgpu: {
    systems: "Windows, macOS and Linux on x64",
    install: "a graphics driver with Vulkan, Metal or Direct3D 12 (on Linux also the package libvulkan1)",
  },
  coreml: { systems: "macOS on Apple silicon", install: "macOS 10.15 or newer" },
  dml: { systems: "Windows", install: "a graphics driver with DirectX 12" },
};

/** @throws ConfigError for a name that is no device's */
export function checkDevice(device: string): void {
  if (devices.includes(device as Device)) return;
  throw new ConfigError("unknown-device", `there is no device "${device}"${suggest(device, devices)}`, {
    device,
  });
}

/** What to say about a device that cannot be used, given those that this ONNX Runtime was built with. */
export function absentDevice(device: Device, built: readonly string[], system: string): string {
  if (built.includes(device))
    return `device "${device}" was not found on this machine: install ${needs[device].install}, or use device "cpu"`;
  const here = devices.filter((name) => built.includes(name)).join(", ");
  return `device "${device}" exists in ONNX Runtime for ${needs[device].systems} only, and this is ${system}: use one of ${here}`;
}
