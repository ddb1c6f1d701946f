/** @file Opens what `exportWeb` wrote as a recommender, wherever ONNX Runtime runs. Nothing reached from here needs Node. */
import type { RunItem } from "../../evaluation/run-folder.ts";
import type { ItemFields } from "../../retrieval/attributes.ts";
import { openPrior } from "../../retrieval/prior.ts";
import { createRetriever } from "../../retrieval/retriever.ts";
import { scanIndex } from "../../retrieval/scan-index.ts";
import type { Source } from "../../retrieval/source.ts";
import { stateSource } from "../../retrieval/state-source.ts";
import { createVectorTables } from "../../retrieval/vector-tables.ts";
import { couldNotLoad, loadWith, type Ort, sessionSettings, wrapSession } from "../../runtime/ort.ts";
import type { Program } from "../../runtime/runtime.ts";
import { DataError } from "../../tensor/errors.ts";
import { readSafetensors } from "../../tensor/safetensors.ts";
import { Recommender } from "../recommender.ts";
import {
  EXPORT_FORMAT,
  type ExportedItems,
  type ExportManifest,
  exportFile,
  exportKind,
} from "./manifest.ts";

export interface ExportSite {
  readonly ort: Ort;
  /** The bytes of a file of the export, by its path. */
  readonly read: (path: string) => Promise<ArrayBuffer>;
}

export interface OpenedExport {
  /** Knows no users: it answers histories. */
  readonly recommender: Recommender;
  /** What is known of an item beside its title. */
  readonly fieldsOf: (id: string) => ItemFields;
  /** The path of an item's picture, where there is one. */
  readonly pictureOf: (id: string) => string | undefined;
}

/** @throws DataError where the files are not of one export, RuntimeFailure where the model cannot be loaded */
export async function openExport({ ort, read }: ExportSite): Promise<OpenedExport> {
  const manifest = checkedManifest(await readJson(read, exportFile));
  const { parts, model, data } = manifest;
  const [graph, vectors, columns, prior] = await Promise.all([
    read(parts.model),
    read(parts.vectors),
    readJson(read, parts.items) as Promise<ExportedItems>,
    parts.prior === undefined ? null : read(parts.prior),
  ]);
  const items = itemsOf(columns);
  const program = await openProgram(ort, new Uint8Array(graph), manifest);
  const { counts, recent, fields, pictures } = columns;
  const source = sourceOf(manifest, { program, vectors, prior });
  const retriever = createRetriever({ source, counts, recent, fields });
  const rows = new Map(items.map(({ id }, row) => [id, row]));
  return {
    recommender: new Recommender({ retriever, items, model, data }),
    fieldsOf: (id) => fields[rows.get(id) ?? -1] ?? {},
    pictureOf: (id) => pictures?.[rows.get(id) ?? -1] ?? undefined,
  };
}

async function readJson(read: ExportSite["read"], path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await read(path));
  try {
    return JSON.parse(text);
  } catch {
    throw new DataError("invalid-export", `${path}: this is not JSON; export the run again`, { path });
  }
}

function checkedManifest(value: unknown): ExportManifest {
  const manifest = value as ExportManifest;
  if (manifest?.kind !== exportKind)
    throw new DataError("invalid-export", `${exportFile}: this is not of an export; export the run again`);
  if (manifest.format === EXPORT_FORMAT) return manifest;
  const message = `${exportFile}: the export is of format ${manifest.format}, this page reads ${EXPORT_FORMAT}; export the run again`;
  throw new DataError("other-version", message, { format: manifest.format });
}

const itemsOf = ({ ids, titles, counts }: ExportedItems): RunItem[] =>
  ids.map((id, row) => {
    const title = titles[row] ?? null;
    return { id, ...(title === null ? {} : { title }), count: counts[row] ?? 0 };
  });

async function openProgram(ort: Ort, bytes: Uint8Array, { inputs }: ExportManifest): Promise<Program> {
  const load = (settings: ReturnType<typeof sessionSettings>) => ort.InferenceSession.create(bytes, settings);
  const session = await loadWith(load, sessionSettings({})).catch((error: Error) => {
    throw couldNotLoad(error);
  });
  const { run, release } = wrapSession(ort, session, inputs, {});
  return { run, dispose: release };
}

interface Loaded {
  readonly program: Program;
  readonly vectors: ArrayBuffer;
  readonly prior: ArrayBuffer | null;
}

function sourceOf(manifest: ExportManifest, { program, vectors: bytes, prior }: Loaded): Source {
  const { items, dim, scoring, maxLength, layout, parts } = manifest;
  const wanted = 4 * items * dim * (scoring.output === "separate" ? 2 : 1);
  if (bytes.byteLength !== wanted) {
    const message = `${parts.vectors}: has ${bytes.byteLength} bytes where ${items} vectors take ${wanted}; export the run again`;
    throw new DataError("invalid-export", message, { path: parts.vectors });
  }
  const tables = createVectorTables(new Float32Array(bytes), items, scoring);
  const index = scanIndex(tables.output);
  return stateSource({
    items,
    maxLength,
    layout,
    program,
    tables,
    index,
    report: {
      kind: index.kind,
      recall: 1,
      measuredOn: null,
      seconds: 0,
      origin: "built",
      tableBytes: tables.output.bytes,
      indexBytes: 0,
    },
    prior: openPrior(
      manifest,
      items,
      prior ? readSafetensors(new Uint8Array(prior), parts.prior!).tensors : {},
    ),
  });
}
