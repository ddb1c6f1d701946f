import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const essays = join(root, "docs", "essays");
const run = promisify(execFile);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-essay-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules", "sequitur"));
  await symlink(
    join(root, "node_modules", "onnxruntime-node"),
    join(folder, "node_modules", "onnxruntime-node"),
  );
  await symlink(join(root, "fixtures"), join(folder, "fixtures"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Blocks of code, each with what the page says that it prints. */
function blocksOf(page: string): { readonly code: string; readonly printed: string }[] {
  const found = [...page.matchAll(/```ts\n([\s\S]*?)```(?:\s*```text\n([\s\S]*?)```)?/g)];
  return found.map(([, code, printed = ""]) => ({ code: code!, printed: printed.trim() }));
}

const seam = "===== end of a block =====";

/** What each block prints, when all are run one after the other as one module. */
async function outputsOf(codes: readonly string[], name: string): Promise<string[]> {
  const file = join(folder, `${name}.mjs`);
  await writeFile(file, codes.map((code) => `${code}\nconsole.log("${seam}");\n`).join(""));
  const { stdout } = await run(process.execPath, [file], { cwd: folder });
  return stdout.split(`${seam}\n`).map((text) => text.trim());
}

/** Texts whose numbers are those of float32 arithmetic: processors differ in the last digits. */
function agree(got: string, want: string): boolean {
  const number = /-?\d+\.\d+/g;
  if (got.replace(number, "#") !== want.replace(number, "#")) return false;
  const [a, b] = [got, want].map((text) => (text.match(number) ?? []).map(Number)) as [number[], number[]];
  return a.every((v, i) => Math.abs(v - b[i]!) <= 0.03 * Math.abs(b[i]!) + 0.01);
}

describe.each((await readdir(essays)).sort())("the essay %s", (file) => {
  it("prints what it says", async () => {
    const blocks = blocksOf(await readFile(join(essays, file), "utf8"));
    expect(blocks.length).toBeGreaterThan(4);
    const outputs = await outputsOf(
      blocks.map(({ code }) => code),
      file.replace(".md", ""),
    );
    for (const [i, { printed }] of blocks.entries())
      if (!agree(outputs[i]!, printed)) expect(outputs[i]).toBe(printed);
  });
});
