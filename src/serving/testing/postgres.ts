/** @file A PostgreSQL server of a test's own, in a temporary folder and reached by a socket file. */

import { execFile, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** What a test may do with the server. */
export interface TestPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

const installed = "/usr/lib/postgresql";

/** The programs of the newest version that Debian's package has installed. */
function programs(): string | undefined {
  if (!existsSync(installed)) return undefined;
  const versions = readdirSync(installed).sort((a, b) => Number(b) - Number(a));
  return versions
    .map((version) => join(installed, version, "bin"))
    .find((bin) => existsSync(join(bin, "initdb")));
}

/** The reason to skip, or undefined where a server can be started, or must be: SEQUITUR_POSTGRES=required. */
export const noPostgres: string | undefined =
  programs() === undefined && process.env.SEQUITUR_POSTGRES !== "required"
    ? "PostgreSQL is not installed (apt-get install postgresql)"
    : undefined;

/** PostgreSQL refuses to run as root: the ids of its own user, or else of nobody. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const line =
    lines.find((text) => text.startsWith("postgres:")) ?? lines.find((text) => text.startsWith("nobody:"));
  const [, , uid, gid] = line!.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

/** Starts an empty server; it is gone without a trace after `stop`. */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = programs();
  if (bin === undefined) throw new Error(`there is no ${installed}/*/bin/initdb; install postgresql`);
  const identity = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), "sequitur-postgres-"));
  if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid!);
  const data = join(folder, "data");
  const options = { ...identity, cwd: folder };
  await promisify(execFile)(
    join(bin, "initdb"),
    ["-D", data, "-U", "sequitur", "-A", "trust", "-E", "UTF8", "-N"],
    options,
  );
  const settings = ["-c", "listen_addresses=", "-c", `unix_socket_directories=${folder}`, "-c", "fsync=off"];
  const server = spawn(join(bin, "postgres"), ["-D", data, ...settings], { ...options, stdio: "ignore" });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    server.kill("SIGINT");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; ; attempt++) {
    try {
      await promisify(execFile)(join(bin, "pg_isready"), ["-h", folder], options);
      return { url: `postgres://sequitur@localhost/postgres?host=${folder}`, stop };
    } catch (error) {
      if (attempt === 200) {
        await stop();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
