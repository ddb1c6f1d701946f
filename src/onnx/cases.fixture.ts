/** @file The single-operator cases in fixtures/onnx-cases-*: models with inputs and the outputs they must give. */
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readSafetensors } from "../tensor/safetensors.ts";
import type { Tensor } from "../tensor/spec.ts";

export interface Case {
  readonly name: string;
  readonly operator: string;
  readonly opset: number;
  readonly model: Uint8Array;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** A case as it is stored: tensors by their name in the file. */
interface Entry {
  readonly name: string;
  readonly operator: string;
  readonly opset: number;
  readonly model: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

const folder = new URL("../../../fixtures/", import.meta.url);

/** A gzipped safetensors file of the folder fixtures/. */
export function readFixture(name: string): ReturnType<typeof readSafetensors> {
  return readSafetensors(gunzipSync(readFileSync(new URL(name, folder))), name);
}

/** All cases by operator, in alphabetic order. */
export function conformanceCases(): Map<string, Case[]> {
  const files = readdirSync(folder).filter((name) => /^onnx-cases-.*\.safetensors\.gz$/.test(name));
  const cases = files.flatMap(casesOf).sort((a, b) => (a.operator < b.operator ? -1 : 1));
  const groups = new Map<string, Case[]>();
  for (const each of cases) groups.set(each.operator, [...(groups.get(each.operator) ?? []), each]);
  return groups;
}

function casesOf(file: string): Case[] {
  const { tensors, metadata } = readFixture(file);
  const named = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(names).map(([name, key]) => [name, tensors[key]!]));
  return (JSON.parse(metadata.cases!) as Entry[]).map(
    ({ name, operator, opset, model, inputs, outputs }) => ({
      name,
      operator,
      opset,
      model: tensors[model]!.data as Uint8Array,
      inputs: named(inputs),
      outputs: named(outputs),
    }),
  );
}
