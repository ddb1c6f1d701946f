import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enginePage } from "../scripts/engine-tables.ts";
import { withTables } from "../scripts/result-tables.ts";
import { servingPage } from "../scripts/serving-tables.ts";
import { settingsPage } from "../scripts/settings.ts";
import { tpmePage } from "../scripts/tpme-tables.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
const readme = await readFile(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/```(sh|ts)\n([\s\S]*?)```/g)].map((m) => ({
  language: m[1]!,
  text: m[2]!,
}));
const shell = blocks.filter((b) => b.language === "sh").map((b) => b.text);
const scripts = blocks.filter((b) => b.language === "ts").map((b) => b.text);

let folder = "";
let environment: NodeJS.ProcessEnv = {};

/** A project of a user: the package under node_modules, `npx sequitur` on the path, the bundled data beside it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-readme-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules", "sequitur"));
  await symlink(join(root, "data"), join(folder, "data"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await mkdir(join(folder, "bin"));
  const main = join(root, "dist", "src", "cli", "main.js");
  await writeFile(
    join(folder, "bin", "npx"),
    `#!/bin/sh\nshift\nexec "${process.execPath}" "${main}" "$@"\n`,
  );
  await chmod(join(folder, "bin", "npx"), 0o755);
  environment = { ...process.env, PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}` };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sh = (command: string) => run("bash", ["-euc", command], { cwd: folder, env: environment });

/** A port that nobody listens on. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function untilAnswers(address: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answered = await fetch(address).then(
      (r) => r.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${address} does not answer`);
}

describe("the list of settings", () => {
  it("is what the schemas say", async () => {
    expect(await readFile(join(root, "docs", "settings.md"), "utf8")).toBe(settingsPage());
  });
});

describe("the page about the engine", () => {
  it("shows the tables that the result files give", async () => {
    const page = await readFile(join(root, "docs", "results", "engine.md"), "utf8");
    expect(enginePage(page)).toBe(page);
  });
});

it("shows the measured figures on the page about serving", async () => {
  const page = await readFile(join(root, "docs", "serving.md"), "utf8");
  expect(servingPage(page)).toBe(page);
});

it("shows the measured figures on the page about what training costs", async () => {
  const page = await readFile(join(root, "docs", "tpme.md"), "utf8");
  expect(tpmePage(page)).toBe(page);
});

describe("the README", () => {
  it("shows the tables that the result files give", () => {
    expect(withTables(readme)).toBe(readme);
  });

  it("has the blocks that are run below", () => {
    expect(shell).toHaveLength(4);
    expect(scripts).toHaveLength(3);
  });

  it("names two commands that exist", async () => {
    const { scripts: names } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      scripts: object;
    };
    const used = [...shell[0]!.matchAll(/npm (?:run )?(demo|test)/g)].map((m) => m[1]!);
    expect(used).toEqual(["demo", "test"]);
    for (const name of used) expect(names).toHaveProperty(name);
  });

  it("leads from a log to recommendations", async () => {
    const { stdout } = await sh(shell[1]!);
    expect(stdout).toContain("NDCG@10");
    const json = JSON.parse(
      stdout.split("\n").find((line) => line.startsWith('{"items"') || line.startsWith('{"user"'))!,
    );
    expect(json.items).toHaveLength(5);
    await readFile(join(folder, "films.onnx"));
  });

  it("serves what it has trained", async () => {
    const [serve, curl] = shell[2]!.trim().split("\n") as [string, string];
    const port = await freePort();
    const at = (text: string): string => text.replaceAll("8787", String(port));
    const server: ChildProcess = spawn("bash", ["-c", `exec ${at(serve)}`], {
      cwd: folder,
      env: environment,
      stdio: "ignore",
    });
    try {
      await untilAnswers(`http://127.0.0.1:${port}/healthz`);
      const { stdout } = await sh(at(curl).replace("localhost", "127.0.0.1"));
      expect(JSON.parse(stdout).items).toHaveLength(3);
    } finally {
      server.kill();
    }
  });

  it("learns from what items read", async () => {
    const { stdout } = await sh(shell[3]!);
    expect(stdout).toContain("sasrec-text");
  });

  it.each(scripts.map((text, i) => [i + 1, text] as const))(
    "runs its TypeScript block %d",
    async (i, text) => {
      // The blocks hold no type annotations, so Node runs them as they are; the compiler checks them in a file of its own.
      const file = join(folder, `block${i}.mjs`);
      await writeFile(file, text);
      const { stdout } = await run(process.execPath, [file], { cwd: folder, env: environment });
      expect(stdout).toMatch([/popularity/, /-8, *-12/, /gradient: \[ 4, 64 \]/][i - 1]!);
    },
  );
});
