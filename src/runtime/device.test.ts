import { afterAll, describe, expect, it } from "vitest";
import { Graph } from "../graph/graph.ts";
import { mul } from "../graph/ops/index.ts";
import { ConfigError } from "../tensor/errors.ts";
import { f32 } from "../tensor/spec.ts";
import { absentDevice, type Device } from "./device.ts";
import { nodeRuntime } from "./node.ts";
import { openSession } from "./session.ts";
import { requireDevice, workerRuntime } from "./worker.ts";

function double(): Graph {
  const graph = new Graph();
  graph.output("y", mul(graph.input("x", f32(2)), 2));
  return graph;
}
const x = { data: Float32Array.of(1, 2), shape: [2] };

const worker = workerRuntime();
afterAll(() => worker.dispose());

/** The program's answer there, or why there is none: a machine of the tests may have some of the devices. */
const outcome = async (runtime: typeof nodeRuntime, device: Device): Promise<string> => {
  const program = await runtime.compile(double(), { device });
  const answer = await program.run({ x }).then(
    ({ y }) => String(y!.data),
    (error: Error) => error.message,
  );
  await program.dispose();
  return answer;
};

describe.each([nodeRuntime, worker])("a device in the $name runtime", (runtime) => {
  it("is the processor where that is asked for", async () => {
    expect(await outcome(runtime, "cpu")).toBe("2,4");
  });

  it.each([
    ["cuda", /^device "cuda" (was not found on this machine: install an NVIDIA driver, CUDA 12,|exists in)/],
    ["webgpu", /^device "webgpu" (was not found on this machine: install a graphics driver|exists in)/],
    ["coreml", /^device "coreml" exists in ONNX Runtime for macOS on Apple silicon only, and this is /],
    ["dml", /^device "dml" exists in ONNX Runtime for Windows only, and this is /],
  ] as const)("%s works or says what is missing", async (device, sentence) => {
    const answer = await outcome(runtime, device);
    if (answer !== "2,4") expect(answer).toMatch(sentence);
    expect(answer).not.toContain("\n");
  });

  it("must be known", async () => {
    const unknown = "gpu" as Device;
    expect(await outcome(runtime, unknown)).toBe(
      'there is no device "gpu"; the nearest is "cpu"; there are: cpu, cuda, webgpu, coreml, dml',
    );
  });
});

describe("requireDevice", () => {
  it("asks nothing of the processor and fails where a device is absent", async () => {
    await requireDevice("cpu");
    const absent = process.platform === "win32" ? "coreml" : "dml";
    await expect(requireDevice(absent)).rejects.toThrow(ConfigError);
  });
});

describe("a program that cannot be loaded", () => {
  it("is not blamed on the device", async () => {
    const broken = openSession(Uint8Array.of(1, 2, 3), {}, { device: "cpu" });
    await expect(broken).rejects.toThrow("ONNX Runtime could not load the program: ");
  });
});

describe("the sentence about an absent device", () => {
  it("names the systems that have it", () => {
    expect(absentDevice("cuda", ["cpu", "webgpu", "coreml"], "darwin arm64")).toBe(
      'device "cuda" exists in ONNX Runtime for Linux on x64 only, and this is darwin arm64: use one of cpu, webgpu, coreml',
    );
  });

  it("names what to install where the system could have it", () => {
    expect(absentDevice("dml", ["cpu", "dml"], "win32 x64")).toBe(
      'device "dml" was not found on this machine: install a graphics driver with DirectX 12, or use device "cpu"',
    );
  });
});
