/** @file sequitur serve */

import { Command, InvalidArgumentError, Option } from "commander";
import type { ScorerOptions } from "../../evaluation/run-folder.ts";
import type { IndexKind } from "../../retrieval/vector-index.ts";
import type { AppOptions } from "../../serving/app.ts";
import type { Recommender } from "../../serving/recommender.ts";
import type { RunningServer } from "../../serving/serve.ts";
import type { Service } from "../../serving/service.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, wholeNumber, withCommon, withScorer } from "../options.ts";

interface Options extends CommonOptions, ScorerOptions {
  readonly run: string;
  readonly port: number;
  readonly host: string;
  readonly data?: string;
  readonly store?: string;
  readonly state?: string;
  readonly keys?: string;
  readonly cors?: readonly string[];
  readonly rate?: number;
  readonly queue?: number;
  readonly index?: IndexKind | "auto";
  readonly encoder?: Readonly<Record<string, string>>;
  readonly log?: boolean;
}

export function serveCommand(context: Context): Command {
  const command = new Command("serve")
    .description("Answer recommendations over HTTP; GET /openapi.json describes the interface.")
    .requiredOption("--run <folder>", "the run folder that train wrote")
    .option("--port <number>", "0 takes any free port", wholeNumber(0, 65535), 8787)
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--data <folder>", "the dataset folder, where it was moved")
    .option(
      "--state <folder>",
      "where events and changed items are kept (default: the run folder's name + .state)",
    )
    .option("--store <address>", "postgres://… for several replicas, or memory to keep nothing")
    .option("--keys <file>", 'API keys, "read KEY" or "write KEY" in a line (default: $SEQUITUR_KEYS)')
    .option("--cors <origin...>", "web sites whose pages may call, such as https://shop.example")
    .option("--rate <number>", "requests a second of one client", wholeNumber(1, 1_000_000))
    .option("--queue <number>", "requests that may wait for the model", wholeNumber(1, 1_000_000))
    .addOption(
      new Option("--index <kind>", "how items are found (default: by their number)").choices([
        "auto",
        "exact",
        "int8",
        "approximate",
      ]),
    )
    .addOption(
      new Option(
        "--encoder <table=place...>",
        "where the encoder of a feature table is, if it was moved",
      ).argParser(encoderPlace),
    )
    .option("--log", "write a line of JSON for every request on standard error")
    .action((options: Options) => serveRun(options, context));
  return withCommon(withScorer(command), "sequitur serve --run runs/movies --port 8787");
}

function encoderPlace(text: string, before: Readonly<Record<string, string>> = {}) {
  const [, table, place] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (table !== undefined && place !== undefined) return { ...before, [table]: place };
  throw new InvalidArgumentError("it must look like text=models/my-encoder");
}

async function serveRun(options: Options, context: Context): Promise<void> {
  const { port, host, cors, rate, log, json } = options;
  const { readKeys } = await import("../../serving/http/keys.ts");
  const keys = await readKeys(options.keys, process.env);
  const service = await openService(options, context);
  const server = await startServer(
    service,
    {
      port,
      host,
      keys,
      cors,
      rate,
      ...(log ? { log: (entry) => context.error(`${JSON.stringify(entry)}\n`) } : {}),
    },
    context,
  );
  const { address } = server;
  const { model } = service.recommender;
  context.out(json ? `${JSON.stringify({ address, model })}\n` : `${servingText(address)}\n`);
  const stopReloading = context.onReload(() => void reload(service, context));
  await serveUntilStopped(server, context);
  stopReloading();
}

/** Opens the store, then the run on top of it. */
async function openService(options: Options, context: Context): Promise<Service> {
  const { run, data, threads, device, queue, index, encoder: encoders } = options;
  const { openRecommender } = await import("../../serving/open-recommender.ts");
  const { openStore, stateFolderOf } = await import("../../serving/state/open-store.ts");
  const { Service } = await import("../../serving/service.ts");
  const { readRunManifest } = await import("../../evaluation/run-folder.ts");
  await readRunManifest(run); // what is no run folder gets no state folder
  const store = await openStore(options.store, options.state ?? stateFolderOf(run));
  const { openScorer, openRetriever } = context.engine;
  const onMessage = (text: string) => context.error(`${text}\n`);
  return Service.open({
    store,
    queue: { queue },
    open: (parts) =>
      openRecommender({
        run,
        openScorer,
        openRetriever,
        index,
        users: "if-present",
        data,
        threads,
        device,
        encoders,
        onMessage,
        warmUp: true,
        ...parts,
      }),
  });
}

async function reload(service: Service, context: Context): Promise<void> {
  try {
    const { model, previous } = await service.reload();
    context.error(`reloaded: ${model} in place of ${previous}\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.error(`not reloaded, the model of before goes on: ${reason}\n`);
  }
}

interface Where extends AppOptions {
  readonly port: number;
  readonly host: string;
}

/** Starts the server; closes what it was to serve where it cannot listen. */
export async function startServer(
  served: Service | Recommender,
  where: Where,
  context: Context,
): Promise<RunningServer> {
  const { serve } = await import("../../serving/serve.ts");
  try {
    return await serve(served, {
      ...where,
      version: context.version,
      onError: (error, request) => {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        const entry = { time: new Date().toISOString(), level: "error", request, message: reason };
        context.error(where.log ? `${JSON.stringify(entry)}\n` : `request ${request}: ${reason}\n`);
      },
    });
  } catch (error) {
    await ("close" in served ? served.close() : served.dispose());
    throw error;
  }
}

/** Waits for the signal to stop, then closes gracefully. */
export async function serveUntilStopped(server: RunningServer, context: Context): Promise<void> {
  await context.stopped();
  context.error("stopping\n");
  await server.close();
}

/** What a person reads when the server listens. */
export function servingText(address: string): string {
  return `serving at ${address} (stop with Ctrl+C): a page to try it; interface: ${address}/openapi.json`;
}
