import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { Graph } from "../graph/graph.ts";
import {
  add,
  cast,
  concat,
  expand,
  gather,
  greater,
  matmul,
  mean,
  mul,
  sigmoid,
  softmax,
} from "../graph/ops/index.ts";
import { bool, f32, i32, numbers } from "../tensor/spec.ts";
import { compileWith } from "./compile.ts";
import { compile, nodeRuntime } from "./node.ts";
import { referenceRuntime } from "./reference.ts";
import { openSession } from "./session.ts";
import { callInThread } from "./thread.ts";
import { webRuntime } from "./web.ts";
import { workerRuntime } from "./worker.ts";

function scores(): Graph {
  const graph = new Graph();
  const table = graph.param("table", f32(4, 2), {
    data: Float32Array.of(1, 0, 0, 1, 1, 1, -1, 2),
    shape: [4, 2],
  });
  const h = gather(table, graph.input("item", i32("B")));
  const mask = cast(graph.input("allowed", bool("B", 4)), "float32");
  const logits = add(matmul(h, table, { transB: true }), mask);
  graph.output("p", softmax(logits));
  graph.output("high", greater(logits, 1));
  return graph;
}

const feeds = (rows: number) => ({
  item: { data: Int32Array.from({ length: rows }, (_, i) => i % 4), shape: [rows] },
  allowed: { data: Uint8Array.from({ length: rows * 4 }, (_, i) => i % 2), shape: [rows, 4] },
});

const worker = workerRuntime();
afterAll(() => worker.dispose());

/** WebAssembly also runs here; test/browser.test.ts runs it in a browser. */
const web = webRuntime({ load: () => import("onnxruntime-web") });

describe.each([nodeRuntime, worker, web, referenceRuntime])("the $name runtime", (runtime) => {
  it("agrees with the reference at every size", async () => {
    const program = await runtime.compile(scores());
    const oracle = await referenceRuntime.compile(scores());
    for (const rows of [1, 5, 3]) {
      const actual = await program.run(feeds(rows));
      const expected = await oracle.run(feeds(rows));
      for (const name of ["p", "high"]) {
        expect(actual[name]!.shape).toEqual([rows, 4]);
        numbers(actual[name]!.data).forEach((v, i) => {
          expect(v).toBeCloseTo(numbers(expected[name]!.data)[i]!, 6);
        });
      }
    }
    await program.dispose();
  });

  it("runs x·sigmoid(x) in float64, which ONNX Runtime would fuse into an operator without a kernel", async () => {
    const graph = new Graph();
    const x = graph.input("x", { dtype: "float64", shape: [2] });
    graph.output("y", mul(x, sigmoid(x)));
    const program = await runtime.compile(graph);
    const { y } = await program.run({ x: { data: Float64Array.of(0, 2), shape: [2] } });
    expect(y!.data[1]).toBeCloseTo(2 / (1 + Math.exp(-2)), 12);
    await program.dispose();
  });

  it("takes parameters with the run where asked, on shared memory too", async () => {
    const program = await runtime.compile(scores(), { params: "fed" });
    const data = new Float32Array(new SharedArrayBuffer(32));
    for (const value of [0, 2]) {
      data.fill(value); // equal logits but for the mask, whatever the value
      const { p } = await program.run({ ...feeds(1), table: { data, shape: [4, 2] } });
      expect(numbers(p!.data)[1]).toBeCloseTo(Math.E / (2 + 2 * Math.E), 6);
    }
    await program.dispose();
  });

  it("reads shared memory again unless it is told that nothing changed", async () => {
    const graph = new Graph();
    graph.output("y", add(graph.param("x", f32(2)), 1));
    const program = await runtime.compile(graph, { params: "fed" });
    const data = new Float32Array(new SharedArrayBuffer(8));
    const seen = async (value: number, version?: number): Promise<number> => {
      data.fill(value);
      const x = { data, shape: [2], ...(version === undefined ? {} : { version }) };
      return numbers((await program.run({ x })).y!.data)[0]!;
    };
    expect(await seen(1, 7)).toBe(2);
    expect([2, 3]).toContain(await seen(2, 7)); // whether it is copied is the runtime's affair
    expect(await seen(3, 8)).toBe(4);
    expect(await seen(4)).toBe(5);
    expect(await seen(5)).toBe(6);
    expect(await seen(6, 8)).toBe(7); // the last run had no number
    await program.dispose();
  });

  it("takes only parameters that are not frozen with the run where asked", async () => {
    const graph = scores();
    graph.output("p", add(graph.value("p"), graph.param("shift", f32(4))));
    graph.frozen.add("table");
    const program = await runtime.compile(graph, { params: "trained" });
    const shift = { data: Float32Array.of(1, 2, 3, 4), shape: [4] };
    const { p } = await program.run({ ...feeds(1), shift });
    expect(numbers(p!.data).reduce((a, b) => a + b)).toBeCloseTo(1 + 10, 5);
    const table = { data: new Float32Array(8), shape: [4, 2] };
    await expect(program.run({ ...feeds(1), shift, table })).rejects.toThrow(/no input "table"/);
    await program.dispose();
  });

  it("draws random inputs by seed and index, the same in every runtime", async () => {
    const graph = new Graph();
    const mask = graph.input("mask", f32("B", 50), { random: { keep: 0.5 } });
    graph.output("y", add(graph.input("x", f32("B", 1)), mask));
    const program = await runtime.compile(graph);
    const x = { data: new Float32Array(2), shape: [2, 1] };
    const at = async (index: number) => [...numbers((await program.run({ x }, { seed: 4, index })).y!.data)];
    const [first, second] = [await at(0), await at(1)];
    expect(await at(0)).toEqual(first);
    expect(second).not.toEqual(first);
    const oracle = await (await referenceRuntime.compile(graph)).run({ x }, { seed: 4, index: 1 });
    expect(second).toEqual([...numbers(oracle.y!.data)]);
    expect(new Set(first)).toEqual(new Set([0, 2]));
    expect(await Promise.all([at(0), at(1), at(0)])).toEqual([first, second, first]); // at once
    await expect(program.run({ x })).rejects.toThrow('run: input "mask" is missing');
    await program.dispose();
  });

  it.each<[string, object, string]>([
    ["a missing input", { item: feeds(1).item }, 'run: input "allowed" is missing'],
    [
      "an unknown input",
      { ...feeds(1), itm: feeds(1).item },
      'run: there is no input "itm"; the nearest is "item"; there are: item, allowed',
    ],
    [
      "a wrong shape",
      { ...feeds(1), allowed: feeds(2).allowed },
      'run: input "allowed" is Uint8Array(8) [2, 4], but Uint8Array [B, 4] is needed',
    ],
    [
      "a wrong type",
      { ...feeds(1), item: { data: new Float32Array(1), shape: [1] } },
      'run: input "item" is Float32Array(1) [1], but Int32Array [B] is needed',
    ],
  ])("says what is wrong with %s", async (_, given, message) => {
    const program = await runtime.compile(scores());
    await expect(program.run(given as never)).rejects.toThrow(message);
    await program.dispose();
  });
});

describe("compile", () => {
  it("needs no input that no output depends on, and checks sizes computed from others", async () => {
    const graph = new Graph();
    const [a, b] = [graph.input("a", f32("N")), graph.input("b", f32("N*2"))];
    graph.input("unused", f32("M"));
    graph.output("y", concat([a, b], 0));
    const program = await compile(graph);
    const vector = (n: number) => ({ data: new Float32Array(n), shape: [n] });
    expect((await program.run({ b: vector(4), a: vector(2) })).y!.shape).toEqual([6]);
    await expect(program.run({ a: vector(2), b: vector(5) })).rejects.toThrow(
      'run: input "b" is Float32Array(5) [5], but Float32Array [N*2] is needed',
    );
    await program.dispose();
  });

  it("refuses what no memory holds", async () => {
    const graph = new Graph();
    graph.output("y", mean(expand(graph.input("x", f32("N", 1)), ["N", 2 ** 40])));
    const program = await compile(graph);
    const run = program.run({ x: { data: new Float32Array(2), shape: [2, 1] } });
    await expect(run).rejects.toThrow(
      /^run: expand would be f32\[2, 1099511627776\], which takes 8,796 GB; this machine has \d+ GB$/,
    );
    await program.dispose();
  });

  it.each([
    ["bound", 2],
    ["open", 1],
  ] as const)("opens a session once for each shape when shapes are %s", async (shapes, expected) => {
    let opened = 0;
    const count: typeof openSession = (...args) => {
      opened++;
      return openSession(...args);
    };
    const program = compileWith(count, scores(), { shapes });
    for (const rows of [2, 3, 2, 3]) await program.run(feeds(rows));
    expect(opened).toBe(expected);
    await program.dispose();
  });

  it("tries again after a session could not be opened, and releases only what was opened", async () => {
    let opened = 0;
    const flaky: typeof openSession = async (...args) => {
      if (opened++ === 0) throw new Error("no memory");
      return openSession(...args);
    };
    const program = compileWith(flaky, scores());
    await expect(program.run(feeds(1))).rejects.toThrow("no memory");
    await program.dispose();
    expect((await program.run(feeds(1))).p!.shape).toEqual([1, 4]);
    await program.dispose();
  });
});

describe("the worker runtime", () => {
  it("lets a process end that forgets to dispose of it", async () => {
    const module = new URL("./worker.js", import.meta.url).href;
    const code = `const { workerRuntime } = await import("${module}"); workerRuntime();`;
    const args = ["--input-type=module", "--eval", code];
    await promisify(execFile)(process.execPath, args, { timeout: 20_000 }); // rejects when it had to be killed
  });

  it("leaves the event loop free while a program runs", async () => {
    const graph = new Graph();
    const x = graph.input("x", f32(1500, 1500));
    graph.output("y", matmul(matmul(matmul(x, x), x), x));
    const program = await worker.compile(graph, { threads: 1 });
    const input = { x: { data: new Float32Array(1500 * 1500).fill(1e-3), shape: [1500, 1500] } };
    await program.run(input);
    let done = false;
    let turns = 0;
    const run = program.run(input).then(() => {
      done = true;
    });
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      turns++;
    }
    await run;
    expect(turns).toBeGreaterThan(10); // a run on this thread would leave no turn at all
  });

  it("lets a run come to its end before it is disposed", async () => {
    const own = workerRuntime();
    const graph = new Graph();
    const x = graph.input("x", f32(800, 800));
    graph.output("y", matmul(matmul(x, x), x));
    const program = await own.compile(graph, { threads: 1 });
    const input = { x: { data: new Float32Array(640_000), shape: [800, 800] } };
    await program.run(input); // opens the session
    const running = program.run(input);
    await new Promise((resolve) => setTimeout(resolve, 2)); // the run has left for the thread
    await own.dispose();
    expect((await running).y!.shape).toEqual([800, 800]);
  });

  it("fails what waits when its thread ends, with a reason", async () => {
    const own = workerRuntime();
    const program = await own.compile(scores());
    await program.run(feeds(1));
    await own.dispose();
    await expect(program.run(feeds(1))).rejects.toThrow("the model thread has ended");
  });
});

describe("a call in a thread", () => {
  const module = new URL("../tensor/spec.js", import.meta.url).href;

  it("gives the function's result", async () => {
    expect(await callInThread({ module, name: "formatShape", argument: [2, 3] })).toBe("[2, 3]");
  });

  it("fails with the function's reason", async () => {
    await expect(callInThread({ module, name: "formatShape", argument: 5 })).rejects.toThrow(
      "formatShape failed:",
    );
  });
});
