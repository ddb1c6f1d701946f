/** @file sequitur serve */

import { Command } from "commander";
import type { ScorerOptions } from "../../evaluation/run-folder.ts";
import type { Recommender } from "../../serving/recommender.ts";
import type { RunningServer } from "../../serving/serve.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, wholeNumber, withCommon, withScorer } from "../options.ts";

interface Options extends CommonOptions, ScorerOptions {
  readonly run: string;
  readonly port: number;
  readonly host: string;
  readonly data?: string;
}

export function serveCommand(context: Context): Command {
  const command = new Command("serve")
    .description("Answer recommendations over HTTP; GET /openapi.json describes the interface.")
    .requiredOption("--run <folder>", "the run folder that train wrote")
    .option("--port <number>", "0 takes any free port", wholeNumber(0, 65535), 8787)
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--data <folder>", "the dataset folder, where it was moved")
    .action((options: Options) => serveRun(options, context));
  return withCommon(withScorer(command), "sequitur serve --run runs/movies --port 8787");
}

async function serveRun(
  { run, port, host, data, threads, device, json }: Options,
  context: Context,
): Promise<void> {
  const { openRecommender } = await import("../../serving/open-recommender.ts");
  const { openScorer } = context.engine;
  const onMessage = (text: string) => context.error(`${text}\n`);
  const recommender = await openRecommender({
    run,
    openScorer,
    users: "if-present",
    data,
    threads,
    device,
    onMessage,
  });
  const server = await startServer(recommender, { port, host }, context);
  const { address } = server;
  context.out(
    json ? `${JSON.stringify({ address, model: recommender.model })}\n` : `${servingText(address)}\n`,
  );
  await serveUntilStopped(server, context);
}

/** Starts the server; frees the model where it cannot listen. */
export async function startServer(
  recommender: Recommender,
  where: { readonly port: number; readonly host: string },
  context: Context,
): Promise<RunningServer> {
  const { serve } = await import("../../serving/serve.ts");
  try {
    return await serve(recommender, {
      ...where,
      version: context.version,
      onMessage: (text) => context.error(`${text}\n`),
      onError: (error) => context.error(`${error instanceof Error ? error.stack : String(error)}\n`),
    });
  } catch (error) {
    await recommender.dispose();
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
  return `serving at ${address} (stop with Ctrl+C); interface: ${address}/openapi.json`;
}
