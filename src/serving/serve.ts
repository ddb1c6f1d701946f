/** @file Serves a recommender over HTTP. The model runs in a worker, so the event loop stays free. */

import type { AddressInfo } from "node:net";
import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { systemCode } from "../data/files.ts";
import { DataError } from "../tensor/errors.ts";
import { type AppOptions, app } from "./app.ts";
import type { Recommender } from "./recommender.ts";

export interface ServeOptions extends AppOptions {
  /** 0 takes any free port; 8787 by default. */
  readonly port?: number;
  /** "127.0.0.1" by default: only this machine. */
  readonly host?: string;
  /** Told what the operator should know, one sentence each. */
  readonly onMessage?: (text: string) => void;
}

/** A server that listens. */
export interface RunningServer {
  /** Such as "http://127.0.0.1:8787". */
  readonly address: string;
  readonly port: number;
  /** Stops accepting, lets running requests end (for `graceMs` at most, 5 s by default) and frees the model. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Listens; DataError where the port is in use or the host is not one of this machine. */
export async function serve(recommender: Recommender, options: ServeOptions = {}): Promise<RunningServer> {
  const { port = 8787, host = "127.0.0.1", onMessage } = options;
  const hono = app(recommender, options);
  const server = createAdaptorServer({ fetch: hono.fetch, serverOptions: { requestTimeout: 30_000 } });
  const address = await listen(server, port, host);
  if (!isLoopback(host)) {
    onMessage?.(
      `${host} can be reached from other machines, and there is no authentication yet; put a proxy before it`,
    );
  }
  return {
    address: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    async close({ graceMs = 5000 } = {}) {
      await closeServer(server, graceMs);
      await recommender.dispose();
    },
  };
}

/** True for hosts that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}

function listen(server: ServerType, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, port, host)));
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

function listenError(error: Error, port: number, host: string): Error {
  const fields = { port, host };
  switch (systemCode(error)) {
    case "EADDRINUSE": {
      const message = `port ${port} on ${host} is already in use; stop what listens there or choose another --port`;
      return new DataError("port-in-use", message, fields);
    }
    case "EACCES":
      return new DataError(
        "no-permission",
        `port ${port}: no permission to listen; choose one from 1024`,
        fields,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN": {
      const message = `host ${host} is not an address of this machine; use 127.0.0.1, or 0.0.0.0 for all addresses`;
      return new DataError("unknown-host", message, fields);
    }
    default:
      return error;
  }
}

function closeServer(server: ServerType, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      if ("closeAllConnections" in server) server.closeAllConnections();
    }, graceMs);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    if ("closeIdleConnections" in server) server.closeIdleConnections();
  });
}
