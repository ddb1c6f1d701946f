/** @file The built web app: read into memory at the start, so that no request names a file. */

import { readdir, readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { systemCode } from "../../data/files.ts";

export interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Files whose name holds a hash of their content never change. */
  readonly lasting: boolean;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Where the build leaves the app: dist/web. */
const built = join(import.meta.dirname, "..", "..", "..", "web");

/** The files of the app by their path in the address; "/" is its page. Empty where it was not built. */
export async function pageFiles(folder = built): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const name = path
      .slice(folder.length + 1)
      .split(sep)
      .join("/");
    const type = types[extname(name)];
    if (type === undefined) continue;
    const file = { bytes: new Uint8Array(await readFile(path)), type, lasting: name.startsWith("assets/") };
    files.set(name === "index.html" ? "/" : `/${name}`, file);
  }
  return files;
}

/** What the page may load and run: its own files, pictures that it fetched, and the styles that charts set. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
