/** @file Serves a recommender over HTTP. The model runs in a worker, so the event loop stays free. */

import { createServer, type RequestListener, type ServerOptions } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { systemCode } from "../data/files.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import { type AppOptions, app } from "./app.ts";
import { isLoopback } from "./http/access.ts";
import { guarded } from "./http/guard.ts";
import { keysVariable } from "./http/keys.ts";
import { pageFiles } from "./pages/files.ts";
import { Recommender } from "./recommender.ts";
import { Service } from "./service.ts";

export interface ServeOptions extends AppOptions {
  /** 0 takes any free port; 8787 by default. */
  readonly port?: number;
  /** "127.0.0.1" by default: only this machine. */
  readonly host?: string;
}

/** A server that listens. */
export interface RunningServer {
  /** Such as "http://127.0.0.1:8787". */
  readonly address: string;
  readonly port: number;
  /** Stops accepting, lets running requests end (for `graceMs` at most, 5 s by default) and frees the model. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** What one client may send in a second where other machines can reach the service and nothing else is said. */
const usualRate = 200;

/**
 * Listens; DataError where the port is in use or the host is not one of this machine.
 *
 * @throws ConfigError where other machines could call without an API key
 */
export async function serve(
  served: Service | Recommender,
  options: ServeOptions = {},
): Promise<RunningServer> {
  const { port = 8787, host = "127.0.0.1" } = options;
  requireKeys(host, options);
  const service = served instanceof Recommender ? Service.of(served) : served;
  const rate = options.rate ?? (isLoopback(host) ? undefined : usualRate);
  const files = options.files ?? (await pageFiles());
  const hono = app(service, { ...options, rate, files });
  const server = createAdaptorServer({
    fetch: hono.fetch,
    serverOptions: { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
    createServer: guardedServer(service, options),
  });
  const address = await listen(server, port, host);
  return {
    address: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    async close({ graceMs = 5000 } = {}) {
      service.stop();
      await closeServer(server, graceMs);
      await service.close();
    },
  };
}

/** Servers whose requests for the model pass the door of the service. */
const guardedServer = (service: Service, { cors, log }: ServeOptions): typeof createServer =>
  ((settings: ServerOptions, listener: RequestListener) =>
    createServer(
      settings,
      guarded(listener, {
        door: service.door,
        cors,
        onRefused({ method, path: route, request }) {
          service.listener.refused?.({ method, path: route });
          log?.({
            time: new Date().toISOString(),
            level: "info",
            request,
            method,
            route,
            status: 503,
            ms: 0,
          });
        },
      }),
    )) as typeof createServer;

function requireKeys(host: string, { keys }: AppOptions): void {
  if (isLoopback(host) || keys !== undefined) return;
  const message = `host ${host} can be reached from other machines, so API keys are needed: name a file with --keys, or set ${keysVariable}; or listen on 127.0.0.1`;
  throw new ConfigError("no-keys", message, { host });
}

/** Connections that may wait to be accepted: where thousands come at once, one that is dropped is tried again a second later. */
const backlog = 4096;

function listen(server: ServerType, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, port, host)));
    server.listen({ port, host, backlog }, () => resolve(server.address() as AddressInfo));
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

/** How often to look for connections that have become idle while the server ends. */
const idleCheckMs = 20;

function closeServer(server: ServerType, graceMs: number): Promise<void> {
  const closeIdle = (): void => {
    if ("closeIdleConnections" in server) server.closeIdleConnections();
  };
  return new Promise((resolve) => {
    const idle = setInterval(closeIdle, idleCheckMs);
    const force = setTimeout(() => {
      if ("closeAllConnections" in server) server.closeAllConnections();
    }, graceMs);
    server.close(() => {
      clearTimeout(force);
      clearInterval(idle);
      resolve();
    });
    closeIdle();
  });
}
