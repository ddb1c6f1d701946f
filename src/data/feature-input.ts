/** @file How a file of ready features is named on the command line. */

import { ConfigError } from "../tensor/errors.ts";
import { checkFeatureName } from "./features.ts";

/** A file of features, the name of the table they become, and a text file with the id of each row. */
export interface FeatureInput {
  readonly name: string;
  readonly file: string;
  readonly ids?: string | undefined;
}

/** Reads NAME=FILE or NAME=FILE:IDS.txt. @throws ConfigError where it is neither */
export function readFeatureInput(text: string): FeatureInput {
  const match = /^([^=]+)=(.+?\.(?:npy|safetensors|parquet|csv|tsv|jsonl)(?:\.gz)?)(?::(.+))?$/i.exec(text);
  if (match === null) {
    const what = `features "${text}": write NAME=FILE or NAME=FILE:IDS.txt, where the file is .npy, .safetensors, .parquet, .csv or .jsonl`;
    throw new ConfigError("bad-features", what, { text });
  }
  const [, name, file, ids] = match as unknown as [string, string, string, string | undefined];
  checkFeatureName(name);
  return { name, file, ids };
}
