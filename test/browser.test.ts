import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executablePath, lacking } from "../scripts/chromium.ts";
import { nodeRuntime } from "../src/runtime/node.ts";
import { type Figures, trainAndScore } from "./browser-job.ts";

const root = join(import.meta.dirname, "../..");
const required = process.env.SEQUITUR_BROWSER === "required";
if (!executablePath) process.stderr.write(`browser test skipped: ${lacking}\n`);

const types: Record<string, string> = { ".js": "text/javascript", ".mjs": "text/javascript" };
const modules = "/node_modules";
const imports = {
  "@bufbuild/protobuf": `${modules}/@bufbuild/protobuf/dist/esm/index.js`,
  "@bufbuild/protobuf/codegenv2": `${modules}/@bufbuild/protobuf/dist/esm/codegenv2/index.js`,
  zod: `${modules}/zod/index.js`,
  "onnxruntime-web/wasm": `${modules}/onnxruntime-web/dist/ort.wasm.bundle.min.mjs`,
  "onnxruntime-web/webgpu": `${modules}/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs`,
};
const page = `<!doctype html><title>sequitur/web</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/dist/test/browser-page.js"></script>`;

/** Serves the page, our compiled files and the packages that they import, as they lie on disk. */
async function serve(asked: string[]): Promise<{ server: Server; address: string }> {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://localhost");
    asked.push(pathname);
    if (searchParams.has("isolated")) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    response.setHeader("cross-origin-resource-policy", "same-origin");
    if (pathname === "/") return response.setHeader("content-type", "text/html").end(page);
    const type = types[extname(pathname)] ?? "application/wasm";
    const known = /^\/(dist|node_modules)\//.test(pathname);
    const bytes = known ? await readFile(join(root, pathname)).catch(() => null) : null;
    response.writeHead(bytes ? 200 : 404, { "content-type": type }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

it.runIf(required)("has a browser to test in", () => {
  expect(executablePath, lacking).toBeDefined();
});

describe.skipIf(!executablePath)("sequitur/web in headless Chromium", () => {
  const asked: string[] = [];
  const browsers: Browser[] = [];
  let [address, expected] = ["", {} as Figures];
  let server: Server | undefined;

  beforeAll(async () => {
    ({ server, address } = await serve(asked));
    expected = await trainAndScore(nodeRuntime);
  });
  afterAll(async () => {
    for (const browser of browsers) await browser.close();
    server?.close();
  });

  /** A fresh page of a fresh browser, and what it computes. */
  async function open(args: readonly string[] = [], path = "/") {
    const browser = await chromium.launch({
      executablePath: executablePath!,
      args: ["--no-sandbox", ...args],
    });
    browsers.push(browser);
    const tab = await browser.newPage();
    const failures: string[] = [];
    tab.on("pageerror", (error) => failures.push(error.message));
    asked.length = 0;
    await tab.goto(address + path);
    await tab.waitForFunction("globalThis.figures");
    expect(failures).toEqual([]);
    return (code: string): Promise<unknown> => tab.evaluate(code);
  }

  function expectNodesFigures(figures: unknown): void {
    const given = figures as Figures;
    expect(Object.keys(given).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, values] of Object.entries(expected)) {
      expect(given[name], name).toHaveLength(values.length);
      const apart = Math.max(...values.map((v, i) => Math.abs(v - given[name]![i]!)));
      expect(apart, name).toBeLessThan(1e-4);
    }
  }

  it("has gradients and scores to compare", () => {
    expect(Object.keys(expected).filter((name) => /^(d|rows)\//.test(name)).length).toBeGreaterThan(20);
    expect(expected.scores).toHaveLength(3 * 60);
    expect(expected.loss![0]).toBeGreaterThan(1);
  });

  it("trains and scores like Node in WebAssembly, which it takes where there is no graphics card", async () => {
    const run = await open();
    expect(await run("globalThis.crossOriginIsolated")).toBe(false);
    expectNodesFigures(await run("figures()"));
    expect(asked.filter((path) => path.endsWith(".wasm"))).toEqual([
      "/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
    ]);
  });

  it("does so in a cross-origin isolated page, with threads", async () => {
    const run = await open([], "/?isolated");
    expect(await run("globalThis.crossOriginIsolated")).toBe(true);
    expectNodesFigures(await run("figures()"));
  });

  it("says what to do where WebGPU is asked for and absent", async () => {
    const run = await open();
    const sentence = await run("figures('webgpu').catch((error) => error.message)");
    expect(sentence).toMatch(/^device "webgpu" was not found: this browser offers no WebGPU adapter; /);
    expect(await run("figures('cuda').catch((error) => error.message)")).toBe(
      'device "cuda" does not exist in a browser: use "webgpu" or "cpu"',
    );
  });

  it("trains and scores like Node on WebGPU, which it takes where the browser has it", async (context) => {
    const run = await open([
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--use-vulkan=swiftshader",
    ]);
    const adapter = await run("navigator.gpu?.requestAdapter().then(Boolean)");
    context.skip(!adapter, "this Chromium comes without the software adapter SwiftShader");
    expectNodesFigures(await run("figures()"));
    expect(asked.filter((path) => path.endsWith(".wasm"))).toEqual([
      "/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm",
    ]);
    expectNodesFigures(await run("figures('cpu')"));
  });
});
