/** @file npm run bench -- NAME: measures and writes docs/results/NAME.json. */

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeAtomic } from "../src/data/files.ts";
import { suggest } from "../src/tensor/nearest.ts";
import { benchBaselines } from "./baselines.ts";
import { benchConvolution } from "./convolution.ts";
import { benchEncode } from "./encode.ts";
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
import { benchServing, servingCases } from "./serving.ts";
import { benchTpme } from "./tpme.ts";
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
  tpme: benchTpme,
  encode: benchEncode,
};

const usage = `usage: npm run bench -- NAME [options]

Measures NAME and writes docs/results/NAME.json; NAME is one of:
  ${Object.keys(benches).join(", ")}

  --shared DIR    the folder of shared data (default: ../shared)
  --threads N     threads of the model runtime (default: all)
  --data SET      quality: the data set, whose result is written to quality-SET.json (default: amazon-beauty)
  --seeds A,B     quality: seeds (default: 0,1,2)
  --only A,B      serving: these cases alone, the others stay as they were measured before, of
                  ${servingCases.join(", ")}
  --scale S       serving: this part of the full length of every measurement (default: 1)
  --soak N        serving: requests of the case soak (default: 1000000)
  --runs DIR      serving: keep the generated runs and their indexes here, for the next time; tpme: data, encoders and
                  what is done, so that a measurement that was stopped goes on
`;

const root = join(import.meta.dirname, "../..");

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        shared: { type: "string", default: join(root, "..", "shared") },
        data: { type: "string", default: "amazon-beauty" },
        seeds: { type: "string", default: "0,1,2" },
        only: { type: "string" },
        scale: { type: "string", default: "1" },
        soak: { type: "string", default: "1000000" },
        runs: { type: "string" },
        threads: { type: "string", default: String(availableParallelism()) },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(message: string): never {
  process.stderr.write(`bench: ${message}\n\n${usage}`);
  process.exit(2);
}

const { values, positionals } = readArguments();
const [name = ""] = positionals;
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
if (name === "") refuse("say what to measure");
if (!(name in benches)) refuse(`there is no "${name}"${suggest(name, Object.keys(benches))}`);
const only = values.only?.split(",");
const wrong = only?.find((each) => !servingCases.includes(each));
if (wrong !== undefined) refuse(`serving has no case "${wrong}"${suggest(wrong, servingCases)}`);

const file = join(root, "docs", "results", `${name === "quality" ? `quality-${values.data}` : name}.json`);
const own: Readonly<Record<string, readonly string[]>> = {
  quality: ["--data", values.data, "--seeds", values.seeds],
  tpme: ["--threads", values.threads],
};
const args = own[name] ?? [];

async function write(result: Record<string, unknown>): Promise<string> {
  const text = `${JSON.stringify({ ...provenance(name, args), ...result }, null, 2)}\n`;
  await writeAtomic(file, text);
  return text;
}

const measure = benches[name as keyof typeof benches];
const before = await readFile(file, "utf8").catch(() => "{}");
const result = await measure({
  shared: values.shared,
  threads: Number(values.threads),
  data: values.data,
  scale: Number(values.scale),
  soak: Number(values.soak),
  seeds: values.seeds.split(",").map(Number),
  only,
  runs: values.runs,
  before: JSON.parse(before) as Record<string, never>,
  onCase: async (part) => void (await write(part)),
  onProgress: (message) => void process.stderr.write(`${message}\n`),
});
process.stdout.write(await write(result));
