/** @file Several item encoders and a fusion that makes one vector of theirs. */
import { z } from "zod";
import { ConfigError } from "../../tensor/errors.ts";
import { suggest } from "../../tensor/nearest.ts";
import { checked } from "../checked.ts";
import { defineItemEncoder, type ItemEncoder } from "../define.ts";
import { isMissingTable } from "./feature-columns.ts";
import type { Fusion } from "./fusions/define.ts";

type Part = { readonly name: string; readonly dim: number } & Readonly<Record<string, unknown>>;

interface Config {
  readonly name: "fused";
  readonly dim: number;
  readonly fusion: string;
  /** By label, in order. */
  readonly parts: Readonly<Record<string, Part>>;
}

type Given = Omit<Config, "parts"> & {
  readonly parts: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
};

/** The item encoder that fuses any of `encoders` by any of `fusions`. */
export function fusedItems(
  encoders: readonly ItemEncoder<never>[],
  fusions: readonly Fusion[],
): ItemEncoder<Config> {
  const names = encoders.map(({ name }) => name);
  const encoderOf = ({ name }: Part): ItemEncoder<Part> =>
    encoders.find((encoder) => encoder.name === name) as unknown as ItemEncoder<Part>;
  const fusionOf = ({ fusion }: Config): Fusion => fusions.find(({ name }) => name === fusion)!;
  const each = ({ parts }: Config) =>
    Object.entries(parts).map(([label, part]) => ({ label, part, encoder: encoderOf(part) }));

  /** A part's settings: its label stands for an encoder, or for the feature table that the part is made of. */
  function partOf(label: string, given: Readonly<Record<string, unknown>>, dim: number): Part {
    const where = `items.parts.${label}`;
    const usual = names.includes(label) ? { name: label } : { name: "features", table: label };
    const named = given.name === undefined ? usual : { name: String(given.name) };
    const encoder = encoders.find(({ name }) => name === named.name);
    if (encoder) return checked(where, encoder.config, { dim, ...named, ...given }) as Part;
    const what = `${where}.name: there is no "${named.name}"${suggest(named.name, names)}`;
    throw new ConfigError("unknown-part", what, { name: named.name });
  }

  function completed({ parts, ...rest }: Given): Config {
    const given = Object.entries(parts).filter((entry) => entry[1] !== null);
    const all = given.map(([label, part]) => [label, partOf(label, part!, rest.dim)] as const);
    const config = { ...rest, parts: Object.fromEntries(all) };
    if (all.length === 0)
      throw new ConfigError("no-parts", "items.parts: a fused item needs at least one part");
    for (const [label, { dim }] of all) {
      if (!fusionOf(config).sameWidth || dim === rest.dim) continue;
      const what = `items.parts.${label}.dim is ${dim}, but items.dim is ${rest.dim}: fusion "${rest.fusion}" needs parts of one width; leave it out, or choose concat or sequential`;
      throw new ConfigError("part-width", what, { label, dim });
    }
    return config;
  }

  return defineItemEncoder<Config>({
    name: "fused",
    source: "the composition of MMSR, Li et al. 2024, arXiv:2403.17372; each fusion names its own source",
    config: schemaOf(fusions).transform((given) => completed(given as Given)),
    derived: () => true,
    apply(p, input, config) {
      const made = each(config).map(({ label, part, encoder }) => encoder.apply(p.at(label), input, part));
      return { vectors: fusionOf(config).apply(p.at("fusion"), made, config.dim), known: null };
    },
    async settle(content, config) {
      const settled: [string, Part][] = [];
      const absent: unknown[] = [];
      for (const { label, part, encoder } of each(config)) {
        try {
          settled.push([label, ((await encoder.settle?.(content, part)) as Part | undefined) ?? part]);
        } catch (error) {
          if (!(part.optional === true && isMissingTable(error))) throw error;
          absent.push(error);
        }
      }
      // Ids alone are not what was asked for.
      if (absent.length > 0 && settled.every(([, { name }]) => name === "id")) throw absent[0];
      return { ...config, parts: Object.fromEntries(settled) };
    },
    tables: (config) => each(config).flatMap(({ part, encoder }) => encoder.tables?.(part) ?? []),
    readsItems: (config) => each(config).some(({ part, encoder }) => encoder.readsItems?.(part) ?? false),
    loses: (config) => each(config).some(({ part, encoder }) => encoder.loses?.(part) ?? false),
    networks: (config) => each(config).flatMap(({ part, encoder }) => encoder.networks?.(part) ?? []),
    atOnce: (config) =>
      Math.min(
        ...each(config).map(({ part, encoder }) => encoder.atOnce?.(part) ?? Number.POSITIVE_INFINITY),
      ),
    async constants(content, config) {
      const all = await Promise.all(
        each(config).map(async ({ label, part, encoder }) => {
          const own = (await encoder.constants?.(content, part)) ?? {};
          return Object.entries(own).map(([name, tensor]) => [`${label}.${name}`, tensor] as const);
        }),
      );
      return Object.fromEntries(all.flat());
    },
    async start(input, config) {
      for (const { label, part, encoder } of each(config)) {
        const own = Object.entries(input.params).filter(([name]) => name.startsWith(`${label}.`));
        const params = Object.fromEntries(own.map(([name, data]) => [name.slice(label.length + 1), data]));
        await encoder.start?.({ ...input, params }, part);
      }
    },
  });
}

const schemaOf = (fusions: readonly Fusion[]) =>
  z.strictObject({
    name: z.literal("fused").default("fused"),
    dim: z
      .int()
      .min(1)
      .max(4096)
      .default(64)
      .describe("width of the item vectors and of the model, and of each part that names no other"),
    fusion: z
      .enum(fusions.map(({ name }) => name) as [string, ...string[]])
      .default("sum")
      .describe("how the vectors of the parts become one"),
    parts: z
      .record(
        z.string().regex(/^[A-Za-z][\w-]*$/, "a label is letters, digits, dashes and underscores"),
        z.record(z.string(), z.unknown()).nullable(),
      )
      .default({ id: {}, text: {} })
      .describe(
        "item encoders with their settings, by a label that names an encoder or a feature table; null leaves one out",
      ),
  });
