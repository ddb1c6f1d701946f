import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

/** Folders of src/, lowest first; folders on one line do not know each other. */
const levels = [
  ["tensor"],
  ["graph"],
  ["autodiff", "onnx", "nn"],
  ["data", "metrics"],
  ["runtime"],
  ["content"],
  ["models"],
  ["retrieval"],
  ["evaluation"],
  ["training"],
  ["serving"],
  ["testing"],
  ["cli"],
];
/** `data` and `metrics` know tensors, but no graph. */
const blind = new Map([
  ["data", ["tensor"]],
  ["metrics", ["tensor"]],
]);
const lineBudget = 300;

const root = join(import.meta.dirname, "../..");
const src = join(root, "src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.startsWith("onnx/schema"))
  .sort();
const folderOf = (file: string): string => file.split("/")[0]!;
const levelOf = (folder: string): number => levels.findIndex((level) => level.includes(folder));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map((m) => relative(src, join(src, file, "..", m[1]!)));
}

function mayImport(file: string, target: string): boolean {
  // Entry points of the package may import anything, and tests the law checkers, wherever they stand.
  if (!file.includes("/") || /\.(test|fixture)\.ts$/.test(file)) return true;
  const [from, to] = [folderOf(file), folderOf(target)];
  return to === from || (blind.get(from)?.includes(to) ?? levelOf(to) < levelOf(from));
}

/** Names of the packages, and of Node's own modules, that a compiled module imports, directly or through its imports. */
function packagesOf(module: string, seen = new Set<string>()): string[] {
  if (seen.has(module)) return [];
  seen.add(module);
  const text = readFileSync(module, "utf8");
  const found = text.matchAll(/^(?:import|export)\s(?:[^"=;]*\sfrom\s)?"([^"]+)";|\bimport\("([^"]+)"\)/gm);
  return [...found].flatMap(([, still, moving]) => {
    const name = (still ?? moving)!;
    return name.startsWith(".") ? packagesOf(join(module, "..", name), seen) : [name];
  });
}

describe("the architecture", () => {
  it("has a level for every folder", () => {
    const folders = new Set(files.filter((f) => f.includes("/")).map(folderOf));
    expect([...folders].filter((folder) => levelOf(folder) < 0)).toEqual([]);
  });

  it("imports only from the own folder or from a lower level", () => {
    const upward = files.flatMap((file) =>
      importsOf(file).flatMap((target) => (mayImport(file, target) ? [] : [`${file} → ${target}`])),
    );
    expect(upward).toEqual([]);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length); // the import lines were found
  });

  it.each([
    ["tensor/spec.ts", "graph/graph.ts"],
    ["autodiff/gradient.ts", "onnx/write.ts"],
    ["data/import.ts", "graph/graph.ts"],
    ["metrics/ranks.ts", "data/split.ts"],
    ["training/train.ts", "serving/app.ts"],
  ])("refuses that %s imports %s", (file, target) => {
    expect(mayImport(file, target)).toBe(false);
    expect(mayImport(file.replace(".ts", ".test.ts"), target)).toBe(true);
  });

  it(`has no file over ${lineBudget} lines`, () => {
    const long = files.filter(
      (file) => readFileSync(join(src, file), "utf8").split("\n").length > lineBudget + 1,
    );
    expect(long).toEqual([]);
  });

  it("writes to the console and ends the process only in the command line", () => {
    const loud = files.filter((file) => {
      if (file.startsWith("cli/") || /\.(test|fixture)\.ts$/.test(file)) return false;
      return /\bconsole\.|process\.exit|process\.std/.test(readFileSync(join(src, file), "utf8"));
    });
    expect(loud).toEqual([]);
  });

  it("draws random numbers only from seeded streams", () => {
    const wild = files.filter((file) =>
      readFileSync(join(src, file), "utf8").includes(["Math", "random"].join(".")),
    );
    expect(wild).toEqual([]);
  });

  it("reaches nothing from sequitur/web that a browser does not have", () => {
    const web = packagesOf(join(root, "dist", "src", "web.js"));
    const allowed = ["@bufbuild/protobuf", "@bufbuild/protobuf/codegenv2", "zod"];
    const runtime = ["onnxruntime-web/wasm", "onnxruntime-web/webgpu"];
    expect([...new Set(web)].sort()).toEqual([...allowed, ...runtime].sort());
    const engine = packagesOf(join(root, "dist", "src", "engine.js")); // where the walk would find them
    expect(engine).toEqual(expect.arrayContaining(["node:worker_threads", "onnxruntime-node"]));
  });

  it("reaches nothing from what opens an exported model that a browser does not have", () => {
    const module = join(root, "dist", "src", "serving", "browser", "open-export.js");
    expect([...new Set(packagesOf(module))]).toEqual(["zod"]);
  });
});
