/** @file sequitur encode */

import { Command, InvalidArgumentError, Option } from "commander";
import type { EncodeOptions } from "../../content/encode.ts";
import { type ImageInput, normalizations } from "../../content/images.ts";
import { type Pooling, poolings } from "../../content/pooling.ts";
import type { EncodeProgress, TableReport } from "../../content/report.ts";
import type { NamedHealth } from "../../content/table-health.ts";
import type { Device } from "../../runtime/device.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, wholeNumber, withCommon, withScorer } from "../options.ts";
import { createProgressLine, duration, grouped } from "../progress.ts";

interface Options extends CommonOptions {
  readonly data: string;
  readonly text?: string | true;
  readonly textEncoder?: string;
  readonly pooling?: Pooling;
  readonly maxTokens?: number;
  readonly hiddenStates?: boolean;
  readonly images?: string | true;
  readonly imageEncoder?: string;
  readonly imageSize?: readonly [width: number, height: number];
  readonly imageLayout?: "nchw" | "nhwc";
  readonly imageNormalization?: Pick<ImageInput, "mean" | "deviation">;
  readonly vectors?: string;
  readonly outName?: string;
  readonly dim?: number;
  readonly seed?: number;
  readonly like?: string;
  readonly threads?: number;
  readonly device?: Device;
}

export function encodeCommand(context: Context): Command {
  const command = new Command("encode")
    .description("Compute item features from texts and pictures into a dataset folder.")
    .requiredOption("--data <folder>", "the dataset folder")
    .option("--text [columns]", "encode these columns of the items (default: all that hold words)")
    .option(
      "--text-encoder <name>",
      "a folder with an ONNX language model, or a model of the hub (default: built-in)",
    )
    .addOption(
      new Option("--pooling <name>", "how tokens or places become one vector (default: mean)").choices(
        poolings,
      ),
    )
    .option("--max-tokens <count>", "most tokens of a text (default: as the model says)", wholeNumber(1, 1e6))
    .option("--hidden-states", "the states after every layer, not the last ones alone")
    .option("--images [folder]", "encode pictures (default: those that the import was told of)")
    .option("--image-encoder <file>", "an ONNX file that takes pictures")
    .option("--image-size <size>", "WIDTHxHEIGHT, where the encoder takes any (default: 224x224)", imageSize)
    .addOption(
      new Option("--image-layout <name>", "where colours stand in the input").choices(["nchw", "nhwc"]),
    )
    .option(
      "--image-normalization <name>",
      `${Object.keys(normalizations).join(", ")}, or MEAN,MEAN,MEAN/DEVIATION,… of values from 0 to 1 (default: signed)`,
      imageNormalization,
    )
    .option("--vectors <column>", "make a table of a column that holds embeddings")
    .option("--out-name <name>", 'name of the feature table (default: "text", "image")')
    .option("--dim <count>", "most dimensions of the built-in text encoder", wholeNumber(1, 8192))
    .option("--seed <number>", "seed of the built-in text encoder", wholeNumber(0, 2 ** 32 - 1))
    .option("--like <folder>", "the built-in text encoder as it was fitted to this dataset, or to a run's")
    .action((options: Options) => encodeData(options, context));
  return withCommon(withScorer(command), "sequitur encode --data data/movies --text title,genres");
}

async function encodeData(options: Options, context: Context): Promise<void> {
  const [{ openDataset }, { encode }] = await Promise.all([
    import("../../data/dataset.ts"),
    import("../../content/encode.ts"),
  ]);
  const line = createProgressLine(context);
  const onProgress = (progress: EncodeProgress) => line.update(progressText(progress));
  const dataset = await openDataset(options.data);
  const like = options.like === undefined ? {} : { like: await likeFolder(options.like) };
  const tables = await encode(dataset, { ...chosen({ ...options, ...like }), onProgress }).finally(
    line.clear,
  );
  if (options.json) context.out(`${JSON.stringify({ data: options.data, tables })}\n`);
  else context.out(`${tables.map(tableText).join("\n")}\n`);
}

/** The dataset of a run; any other folder is one itself. */
async function likeFolder(folder: string): Promise<string> {
  const { datasetDirectory, isRunFolder, readRunManifest } = await import("../../evaluation/run-folder.ts");
  if (!(await isRunFolder(folder))) return folder;
  return datasetDirectory({ directory: folder, manifest: await readRunManifest(folder) });
}

function chosen({
  text,
  images,
  vectors,
  outName,
  dim,
  seed,
  threads,
  device,
  ...rest
}: Options): EncodeOptions {
  const { textEncoder, pooling, maxTokens, hiddenStates, like } = rest;
  const columns = typeof text === "string" ? text.split(",").filter((column) => column !== "") : undefined;
  const wantsText =
    text !== undefined ||
    textEncoder !== undefined ||
    like !== undefined ||
    (images === undefined && vectors === undefined && rest.imageEncoder === undefined);
  const wantsImages = images !== undefined || rest.imageEncoder !== undefined;
  const ofTexts = wantsImages && textEncoder === undefined ? undefined : pooling; // it may be of images alone
  const { imageEncoder: encoder, imageSize: size, imageLayout: layout, imageNormalization } = rest;
  const input = {
    ...(size === undefined ? {} : { width: size[0], height: size[1] }),
    ...(layout === undefined ? {} : { layout }),
    ...imageNormalization,
  };
  const directory = typeof images === "string" ? images : undefined;
  return {
    ...(wantsText
      ? {
          text: { columns, dim, seed, encoder: textEncoder, pooling: ofTexts, maxTokens, hiddenStates, like },
        }
      : {}),
    ...(wantsImages ? { images: { directory, encoder, input, hiddenStates, pooling } } : {}),
    vectors,
    outName,
    threads,
    device,
  };
}

function imageSize(text: string): readonly [number, number] {
  const match = /^(\d{1,4})(?:x(\d{1,4}))?$/.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (width >= 1 && height >= 1) return [width, height];
  throw new InvalidArgumentError("it must look like 224x224");
}

function imageNormalization(text: string): Pick<ImageInput, "mean" | "deviation"> {
  if (Object.hasOwn(normalizations, text)) return normalizations[text as keyof typeof normalizations];
  const [mean, deviation] = text.split("/").map((part) => part.split(",").map(Number)) as [Rgb, Rgb?];
  const whole = [mean, deviation].every((part) => part?.length === 3 && part.every(Number.isFinite));
  if (whole && deviation?.every((value) => value > 0)) return { mean, deviation };
  const names = Object.keys(normalizations).join(", ");
  throw new InvalidArgumentError(`it must be one of ${names} or look like 0.5,0.5,0.5/0.5,0.5,0.5`);
}

type Rgb = [number, number, number];

/** One line: table, step, share done, time left. */
export function progressText({ table, step, done, total, secondsLeft }: EncodeProgress): string {
  return `${table}: ${step}, ${grouped(done)} of ${grouped(total)} · ${duration(secondsLeft)} left`;
}

/** Problems and items without content that are shown; the others are counted. */
const SHOWN = 5;

/** What became of each table, and of the items that could not be encoded. */
export function tableText(report: TableReport): string {
  const { table, dim, items, encoded, reused, missing, missingItems, problems, seconds } = report;
  const counts = [
    `${grouped(encoded)} encoded`,
    `${grouped(reused)} taken over`,
    `${grouped(missing)} without content`,
    ...(problems.length === 0 ? [] : [`${grouped(problems.length)} could not be encoded`]),
  ];
  const lines = problems.slice(0, SHOWN).map(({ item, what }) => `  item "${item}": ${what}`);
  const more = problems.length > SHOWN ? [`  and ${grouped(problems.length - SHOWN)} more`] : [];
  const named = missingItems.slice(0, SHOWN).map((id) => `"${id}"`);
  const others = missing > SHOWN ? ` and ${grouped(missing - SHOWN)} more` : "";
  const without = missing === 0 ? [] : [`  without content: ${named.join(", ")}${others}`];
  return [
    `features "${table}": ${grouped(items)} items × ${dim} · ${counts.join(", ")} · ${duration(seconds)}`,
    ...lines,
    ...more,
    ...without,
    ...cutLines(report.cut),
    ...healthLines(report.health),
  ].join("\n");
}

/** That texts were cut, where some were. */
function cutLines(cut: TableReport["cut"]): string[] {
  if (cut === undefined || cut.texts === 0) return [];
  const { texts, tokens } = cut;
  const some = texts === 1 ? "1 text is" : `${grouped(texts)} texts are`;
  return [`  ${some} longer than ${grouped(tokens)} tokens and ${texts === 1 ? "was" : "were"} cut`];
}

/** Effective rank, lengths by popularity, and some items with their nearest ones. */
function healthLines(health: NamedHealth | undefined): string[] {
  if (health === undefined) return [];
  const { effectiveRank, effectiveRankCentred, dim, lengthsByPopularity, neighbours } = health;
  const shown = (rank: number | null) => (rank === null ? "not measured" : Math.min(rank, dim).toFixed(0));
  const lengths = lengthsByPopularity.map((length) => length.toPrecision(3)).join(" ");
  const called = ({ item, title }: { item: string; title?: string }) => title ?? item;
  return [
    `  effective rank ${shown(effectiveRank)} of ${dim} (${shown(effectiveRankCentred)} without the mean) · mean length, rare to popular items: ${lengths}`,
    ...neighbours.map((own) => {
      const near = own.near.map((other) => `${called(other)} (${other.cosine.toFixed(2)})`);
      return `  near ${called(own)}: ${near.join(", ")}`;
    }),
  ];
}
