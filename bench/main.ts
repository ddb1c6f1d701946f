/**
 * @file npm run bench -- NAME [--shared DIR] [--threads N] [--data SET] [--seeds 0,1,2] [--scale S] [--soak N]: measures
 * and writes docs/results/NAME.json; `quality` is measured for one data set at a time and writes quality-SET.json;
 * `serving` takes S of the full time, and N requests for its memory.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeAtomic } from "../src/data/files.ts";
import { suggest } from "../src/tensor/nearest.ts";
import { benchBaselines } from "./baselines.ts";
import { benchConvolution } from "./convolution.ts";
import { benchEvaluation } from "./evaluation.ts";
import { benchEventLoop } from "./event-loop.ts";
import { benchFinetune } from "./finetune.ts";
import { benchImport } from "./import.ts";
import { provenance } from "./machine.ts";
import { benchMemory } from "./memory.ts";
import { benchProfile } from "./profile.ts";
import { benchQuality } from "./quality.ts";
import { benchResume } from "./resume.ts";
import { benchRetrieval } from "./retrieval.ts";
import { benchRoofline } from "./roofline.ts";
import { benchSce } from "./sce.ts";
import { benchServing } from "./serving.ts";
import { benchTraining } from "./training.ts";

const benches = {
  training: benchTraining,
  evaluation: benchEvaluation,
  import: benchImport,
  profile: benchProfile,
  memory: benchMemory,
  finetune: benchFinetune,
  convolution: benchConvolution,
  roofline: benchRoofline,
  resume: benchResume,
  retrieval: benchRetrieval,
  "event-loop": benchEventLoop,
  quality: benchQuality,
  serving: benchServing,
  baselines: benchBaselines,
  sce: benchSce,
};

const root = join(import.meta.dirname, "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shared: { type: "string", default: join(root, "..", "shared") },
    data: { type: "string", default: "amazon-beauty" },
    seeds: { type: "string", default: "0,1,2" },
    scale: { type: "string", default: "1" },
    soak: { type: "string", default: "100000" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});
const name = positionals[0] ?? "";
if (!(name in benches)) {
  process.stderr.write(`bench: there is no "${name}"${suggest(name, Object.keys(benches))}\n`);
  process.exit(2);
}
const measure = benches[name as keyof typeof benches];
const onProgress = (message: string): void => void process.stderr.write(`${message}\n`);
const result = await measure({
  shared: values.shared,
  threads: Number(values.threads),
  data: values.data,
  scale: Number(values.scale),
  soak: Number(values.soak),
  seeds: values.seeds.split(",").map(Number),
  onProgress,
});
const args = name === "quality" ? ["--data", values.data, "--seeds", values.seeds] : [];
const text = `${JSON.stringify({ ...provenance(name, args), ...result }, null, 2)}\n`;
const file = name === "quality" ? `quality-${values.data}` : name;
await writeAtomic(join(root, "docs", "results", `${file}.json`), text);
process.stdout.write(text);
