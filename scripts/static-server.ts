/** @file A plain web server of a folder, as anybody may have one, for tests and pictures of pages that need no service. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

export interface StaticServer {
  /** Of the folder; it ends in "/". */
  readonly address: string;
  readonly close: () => void;
}

/** Serves a folder below `path`, which begins and ends in "/". */
export async function serveFolder(folder: string, path = "/"): Promise<StaticServer> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const name = pathname.startsWith(path) ? normalize(pathname.slice(path.length)) : "..";
    const file = join(folder, name === "." ? "index.html" : name);
    const bytes = name.startsWith("..") ? null : await readFile(file).catch(() => null);
    const type = types[extname(file)] ?? "application/octet-stream";
    response.writeHead(bytes ? 200 : 404, { "content-type": type }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}${path}`, close: () => server.close() };
}
