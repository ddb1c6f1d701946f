/** @file Writes a page that recommends by itself: the model, the item vectors and the items beside the built page. */
import { createHash } from "node:crypto";
import { copyFile, cp, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative, sep } from "node:path";
import type { Dataset } from "../../data/dataset.ts";
import { sha256File } from "../../data/files.ts";
import { buildFolder, type FolderKind } from "../../data/folder.ts";
import { findImages } from "../../data/images.ts";
import { openRunDataset } from "../../evaluation/evaluate-run.ts";
import { type OpenRun, openRun, runFiles } from "../../evaluation/run-folder.ts";
import { historyLength, isBaseline, type RecipeConfig, resolveModelConfig } from "../../models/config.ts";
import { writeOnnx } from "../../onnx/write.ts";
import { shortFields } from "../../retrieval/attributes.ts";
import { recentCounts } from "../../retrieval/fallbacks.ts";
import { itemVectors } from "../../retrieval/item-vectors.ts";
import { rowLayout } from "../../retrieval/model-scorer.ts";
import { isPriorParam } from "../../retrieval/prior.ts";
import { stateGraph } from "../../retrieval/vector-source.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { DataError, RuntimeFailure } from "../../tensor/errors.ts";
import { writeSafetensors } from "../../tensor/safetensors.ts";
import type { Tensor } from "../../tensor/spec.ts";
import { readRunParams } from "../../training/ready-vectors.ts";
import { readFields } from "../../training/run-retriever.ts";
import { modelName } from "../open-recommender.ts";
import {
  EXPORT_FORMAT,
  type ExportedItems,
  type ExportManifest,
  exportFile,
  exportKind,
} from "./manifest.ts";

export interface ExportWebOptions {
  /** The run folder. */
  readonly run: string;
  /** The folder to write: a new one, an empty one, or an earlier export, which is replaced. */
  readonly directory: string;
  /** The dataset folder, where it is no longer at the place that the run knows. */
  readonly data?: string | undefined;
  /** Whether the pictures of the items are copied, too, as large as they are; not by default. */
  readonly images?: boolean | undefined;
  /** Told what is left out because the dataset could not be opened. */
  readonly onMessage?: ((text: string) => void) | undefined;
}

export interface ExportWebResult {
  readonly directory: string;
  /** The name that every answer of the page gives. */
  readonly model: string;
  readonly items: number;
  /** Of all files together. */
  readonly bytes: number;
  /** Bytes of the parts of the model, of which a page that is opened loads all. */
  readonly parts: Readonly<Record<string, number>>;
}

const webExport: FolderKind = { name: "web export", manifest: exportFile, kind: exportKind, folders: [] };

/** Where the build leaves the page: dist/web-export. */
const built = join(import.meta.dirname, "..", "..", "..", "web-export");

/**
 * Writes a folder that any web server can serve: a page that recommends in the browser what a service of the run would.
 * It appears whole or not at all, and holds nothing of the users of the data.
 *
 * @throws DataError where the run is broken or a baseline, or the folder holds something else; RuntimeFailure where the
 * package was not built
 */
export async function exportWeb(options: ExportWebOptions): Promise<ExportWebResult> {
  const run = await openRun(options.run);
  const config = modelOf(run);
  const dataset = await openData(run, options);
  return buildFolder(options.directory, (folder) => write(folder, run, config, dataset, options), webExport);
}

function modelOf({ directory, manifest }: OpenRun): RecipeConfig {
  const config = resolveModelConfig(manifest.config);
  if (!isBaseline(config)) return config;
  const message = `${directory}: ${manifest.recipe} is a baseline, which has no model that a browser could run; export a trained model`;
  throw new DataError("no-model", message);
}

async function openData(run: OpenRun, { data, onMessage }: ExportWebOptions): Promise<Dataset | undefined> {
  try {
    return await openRunDataset(run, data);
  } catch (error) {
    if (data !== undefined || !(error instanceof DataError)) throw error;
    onMessage?.(`what is popular is told from the training alone: ${error.message}`);
    return undefined;
  }
}

async function write(
  folder: string,
  run: OpenRun,
  config: RecipeConfig,
  dataset: Dataset | undefined,
  { directory, images = false }: ExportWebOptions,
): Promise<ExportWebResult> {
  await copyPage(folder);
  const pictures = images ? await copyPictures(folder, run, dataset) : undefined;
  const { recipe, dataset: trained } = run.manifest;
  const items = trained.items;
  const model = { config, items, params: await readRunParams(run.directory, config) };
  const graph = stateGraph(model);
  const vectors = await itemVectors({ ...model, runtime: nodeRuntime });
  const inputs = Object.fromEntries([...graph.inputs].map(([name, { dtype }]) => [name, dtype]));
  const parts: Parts = {
    model: { ending: "onnx", bytes: writeOnnx(graph) },
    vectors: { ending: "f32", bytes: new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength) },
    items: {
      ending: "json",
      bytes: Buffer.from(JSON.stringify({ ...(await itemColumns(run, dataset)), pictures })),
    },
    ...priorOf(model.params),
  };
  const manifest: ExportManifest = {
    kind: exportKind,
    format: EXPORT_FORMAT,
    model: modelName(run),
    recipe,
    data: trained.fingerprint,
    items,
    dim: config.items.dim as number,
    scoring: config.scoring,
    maxLength: historyLength(config),
    layout: rowLayout(config),
    inputs,
    parts: await writeParts(folder, parts),
    files: await hashes(folder),
  };
  await writeFile(join(folder, exportFile), `${JSON.stringify(manifest, null, 2)}\n`);
  return {
    directory,
    model: manifest.model,
    items,
    bytes: await bytesOf(folder),
    parts: Object.fromEntries(Object.entries<Part>(parts).map(([name, { bytes }]) => [name, bytes.length])),
  };
}

async function copyPage(folder: string): Promise<void> {
  const there = await stat(join(built, "index.html")).catch(() => undefined);
  if (there) return cp(built, folder, { recursive: true });
  const message = `${built}: the page is not there; build it with "npm run build", or install the package again`;
  throw new RuntimeFailure("not-built", message);
}

/** Copies the picture of each item that has one; paths by item. @throws DataError where the dataset has none */
async function copyPictures(
  folder: string,
  { directory, items }: OpenRun,
  dataset: Dataset | undefined,
): Promise<(string | null)[]> {
  const place = dataset?.manifest.images?.directory;
  if (place === undefined) {
    const message = `${directory}: the dataset of this run knows no pictures; import it with --images, or export without them`;
    throw new DataError("no-images", message, { directory });
  }
  const found = await findImages(place);
  await mkdir(join(folder, "images"));
  const paths: (string | null)[] = [];
  for (const { id } of items) {
    const path = found.get(id);
    const copy = path && `images/${(await sha256File(path)).slice(0, 16)}${extname(path).toLowerCase()}`;
    if (path && copy) await copyFile(path, join(folder, copy));
    paths.push(copy ?? null);
  }
  return paths;
}

/** What a prior counted, where the model has one. */
function priorOf(params: Readonly<Record<string, Tensor>>): { readonly prior?: Part } {
  const own = Object.entries(params).filter(([name]) => isPriorParam(name));
  if (own.length === 0) return {};
  return { prior: { ending: "safetensors", bytes: writeSafetensors(Object.fromEntries(own)) } };
}

type Part = { readonly ending: string; readonly bytes: Uint8Array };
type Parts = { readonly [name in keyof ExportManifest["parts"]]: Part };

/** Writes the parts under names that hold a hash of their bytes, so that no cache gives an old one beside a new one. */
async function writeParts(folder: string, parts: Parts): Promise<ExportManifest["parts"]> {
  const paths: [string, string][] = [];
  for (const [name, { ending, bytes }] of Object.entries<Part>(parts)) {
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
    const path = `model/${name}-${hash}.${ending}`;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
    paths.push([name, path]);
  }
  return Object.fromEntries(paths) as unknown as ExportManifest["parts"];
}

async function itemColumns(run: OpenRun, dataset: Dataset | undefined): Promise<ExportedItems> {
  const own = run.manifest.files[runFiles.fields] !== undefined;
  const fields = await readFields(
    own ? { file: join(run.directory, runFiles.fields) } : { dataset: dataset?.directory },
  );
  const counts = run.items.map(({ count }) => count);
  return {
    ids: run.items.map(({ id }) => id),
    titles: run.items.map(({ title }) => title ?? null),
    counts,
    recent: [...recentCounts(counts, dataset)],
    fields: fields.map(shortFields),
  };
}

/** Paths of all files below a folder, as an address names them. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

async function hashes(folder: string): Promise<Record<string, string>> {
  const hashed: Record<string, string> = {};
  for (const path of await filesBelow(folder)) hashed[path] = await sha256File(join(folder, path));
  return hashed;
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const path of await filesBelow(folder)) bytes += (await stat(join(folder, path))).size;
  return bytes;
}
