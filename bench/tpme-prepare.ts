/** @file What the ways of TPME share, made in a process of its own: the data, both encoders, and what they give once for all. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encode } from "../src/content/encode.ts";
import { type Item, openDataset } from "../src/data/dataset.ts";
import { importInteractions } from "../src/data/import.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { count } from "../src/tensor/spec.ts";
import { peakMegabytes, rounded } from "./machine.ts";
import { type EncoderOptions, makeEncoders } from "./tpme-encoders.ts";
import { type Encoders, tables } from "./tpme-models.ts";

export interface Preparing extends Pick<EncoderOptions, "columns" | "reading" | "text" | "learning"> {
  readonly shared: string;
  readonly folder: string;
  /** The fewest events of a film. */
  readonly minItem: number;
  /** Width and height of a picture. */
  readonly side: number;
  readonly threads: number;
}

/** What is there when all is made. */
export interface Prepared {
  readonly data: string;
  readonly encoders: Encoders;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Seconds of work by the clock and of the processor, and what it gave. */
async function timed<T>(
  work: () => Promise<T>,
): Promise<{ value: T; seconds: number; processorSeconds: number }> {
  const [began, used] = [performance.now(), process.cpuUsage()];
  const value = await work();
  const { user, system } = process.cpuUsage(used);
  const seconds = rounded((performance.now() - began) / 1000);
  return { value, seconds, processorSeconds: rounded((user + system) / 1e6) };
}

/** Numbers in the floating tensors of an encoder. */
function parametersOf(file: Uint8Array): number {
  const { params } = readOnnx(file);
  return [...params.values()].reduce((total, { value }) => total + count(value.shape as number[]), 0);
}

/** The hidden states after every layer, and the last ones alone. */
export async function encodeAll(data: string, encoders: Encoders, threads: number): Promise<void> {
  const { text: encoder, columns, maxTokens, image, side } = encoders;
  const dataset = await openDataset(data);
  const text = { encoder, columns, maxTokens, pooling: "mean" } as const;
  const images = { encoder: image, input: { width: side, height: side } };
  await encode(dataset, { text, outName: tables.text, threads });
  await encode(dataset, { images, outName: tables.image, threads });
  await encode(dataset, {
    text: { ...text, hiddenStates: true },
    images: { ...images, hiddenStates: true },
    threads,
  });
}

/** All films, those too that have no events. */
async function readCatalogue(path: string): Promise<Item[]> {
  const lines = gunzipSync(await readFile(path))
    .toString("utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => {
    const { item_id: id, title, ...fields } = JSON.parse(line) as { item_id: string; title: string };
    return { id, title, fields };
  });
}

async function prepare({ shared, folder, minItem, side, threads, ...options }: Preparing): Promise<Prepared> {
  const source = join(shared, "data", "ml-1m");
  const data = join(folder, "data");
  const { manifest } = await importInteractions({
    interactions: join(source, "interactions.csv.gz"),
    items: join(source, "items.jsonl.gz"),
    images: join(source, "images"),
    minItem,
    out: data,
  });
  const catalogue = await readCatalogue(join(source, "items.jsonl.gz"));
  const mobilenet = join(shared, "models", "mobilenet-v1-embedding.onnx");
  const learned = await timed(() => makeEncoders(catalogue, { ...options, mobilenet, folder }));
  const { encoders, words, losses } = learned.value;
  const read = { ...encoders, side };
  const { value: _, ...encoding } = await timed(() => encodeAll(data, read, threads));
  const [ofText, ofImage] = [join(encoders.text, "onnx", "model.onnx"), encoders.image];
  return {
    data,
    encoders: read,
    facts: {
      counts: manifest.counts,
      fewestEvents: minItem,
      fingerprint: manifest.fingerprint,
      textEncoder: {
        ...options.text,
        vocabulary: words,
        parameters: parametersOf(await readFile(ofText)),
        columns: options.columns,
        learnedFrom: options.reading,
        ...options.learning,
        lossPerWord: losses.map((loss) => rounded(loss)),
        processorSeconds: learned.processorSeconds,
      },
      imageEncoder: {
        file: "mobilenet-v1-embedding.onnx without its last two blocks",
        side,
        parameters: parametersOf(await readFile(ofImage)),
      },
      encoding: { ...encoding, peakMegabytes: await peakMegabytes() },
    },
  };
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(JSON.stringify(await prepare(JSON.parse(process.argv[2]!) as Preparing)));
