/** @file Kills a training with SIGKILL at random moments and resumes it: the weights must come out bit for bit the same. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256File } from "../src/data/files.ts";
import { importInteractions } from "../src/data/import.ts";
import { stream } from "../src/tensor/random.ts";

const root = join(import.meta.dirname, "../..");
const main = join(root, "dist", "src", "cli", "main.js");
const epochs = 6;

interface Ended {
  readonly code: number | null;
  readonly errors: string;
}

function train(data: string, out: string, threads: number): { child: ChildProcess; ended: Promise<Ended> } {
  const set = [`training.epochs=${epochs}`, `training.threads=${threads}`].flatMap((s) => ["--set", s]);
  const args = [main, "train", "--data", data, "--out", out, "--seed", "3", "--resume", ...set];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr!.on("data", (text) => {
    errors += text;
  });
  return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, errors }))) };
}

const weights = (run: string): Promise<string> => sha256File(join(run, "weights.safetensors"));

/** Twenty kills of the command itself on the bundled data; throws when a run folder is corrupt or weights differ. */
export async function benchResume(options: {
  threads: number;
  kills?: number;
  onProgress?: (text: string) => void;
}): Promise<Record<string, unknown>> {
  const { threads, kills = 20, onProgress } = options;
  const folder = await mkdtemp(join(tmpdir(), "sequitur-resume-"));
  try {
    const data = join(folder, "data");
    await importInteractions({
      interactions: join(root, "data", "ml-latest-small", "interactions.csv.gz"),
      out: data,
      minUser: 5,
      minItem: 5,
    });
    const began = performance.now();
    const whole = await train(data, join(folder, "whole"), threads).ended;
    if (whole.code !== 0) throw new Error(whole.errors);
    const length = performance.now() - began;
    const expected = await weights(join(folder, "whole"));
    const random = stream(2026, "kills");
    const moments: number[] = [];
    let runs = 0;
    while (moments.length < kills) {
      const out = join(folder, `killed-${runs++}`);
      for (let finished = false; !finished; ) {
        const { child, ended } = train(data, out, threads);
        const moment = random.uniform() * length;
        const timer = moments.length < kills ? setTimeout(() => child.kill("SIGKILL"), moment) : undefined;
        const { code, errors } = await ended;
        clearTimeout(timer);
        if (code === null) moments.push(Math.round(moment));
        else if (code !== 0)
          throw new Error(`resume failed after kills at ${moments.join(", ")} ms: ${errors}`);
        finished = code === 0;
        onProgress?.(`${moments.length} of ${kills} kills, run ${runs}${finished ? " finished" : ""}`);
      }
      if ((await weights(out)) !== expected)
        throw new Error(`weights differ after kills at ${moments.join(", ")} ms`);
    }
    return {
      data: "ml-latest-small, 5-core",
      epochs,
      threads,
      kills: moments.length,
      runs,
      killedAtMilliseconds: moments,
      identicalWeights: true,
      corruptFolders: 0,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
