/** @file The auxiliary terms of a model, each by its label: settings, constants and the sum of the loss. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { add, mul } from "../../graph/ops/index.ts";
import type { Params } from "../../nn/params.ts";
import { ConfigError } from "../../tensor/errors.ts";
import type { Tensor } from "../../tensor/spec.ts";
import { checked, section } from "../checked.ts";
import { type PartConfig, partOf, type RecipeConfig } from "../config.ts";
import type { ItemContent } from "../items/content.ts";
import type { Auxiliary, AuxiliaryInput } from "./define.ts";

/** The settings of a term, with its name and its weight. */
export type TermConfig = PartConfig & { readonly weight: number };

/** By label, in order; a label stands for a term's name, so that there may be several of a kind. */
export type TermConfigs = Readonly<Record<string, TermConfig>>;

const label = z.string().regex(/^[A-Za-z][\w-]*$/);

/** Completes the settings of all terms; null leaves one out. @throws ConfigError */
export function termConfigs(given: Readonly<Record<string, unknown>>): TermConfigs {
  const all = Object.entries(given).filter((entry) => entry[1] !== null);
  return Object.fromEntries(
    all.map(([key, value]) => {
      if (!label.safeParse(key).success) {
        const message = `auxiliary: "${key}" is no label of a term; use letters, digits, dashes and underscores`;
        throw new ConfigError("term-label", message, { label: key });
      }
      const own = section(`auxiliary.${key}`, value);
      const name = own.name === undefined ? key : String(own.name);
      const { config } = partOf("auxiliary", name);
      return [key, checked(`auxiliary.${key}`, config, { ...own, name }) as TermConfig];
    }),
  );
}

const termsOf = ({ auxiliary }: Pick<RecipeConfig, "auxiliary">) =>
  Object.entries(auxiliary).map(([key, config]) => ({
    key,
    config,
    term: partOf("auxiliary", config.name) as unknown as Auxiliary<TermConfig>,
  }));

/** @throws ConfigError where a term says nothing to the model */
export function refuseTerms(model: Pick<RecipeConfig, "auxiliary" | "items">): void {
  const { name } = model.items;
  const loses = partOf("items", name).loses?.(model.items as never) ?? false;
  for (const { key, term } of termsOf(model)) {
    const why = term.misfit?.({ name, loses }) ?? null;
    if (why !== null) throw new ConfigError("auxiliary", why, { label: key });
  }
}

/** The settings of the terms completed by what the data knows of the items. @throws DataError where it does not know enough */
export async function settledTerms(model: RecipeConfig, content: ItemContent): Promise<TermConfigs> {
  const settled: [string, TermConfig][] = [];
  for (const { key, config, term } of termsOf(model))
    settled.push([key, ((await term.settle?.(content, config)) as TermConfig | undefined) ?? config]);
  return Object.fromEntries(settled);
}

/** The constants of the terms that count, by the names of the parameters. */
export async function termConstants(
  model: Pick<RecipeConfig, "auxiliary">,
  content: ItemContent,
): Promise<Record<string, Tensor>> {
  const constants: Record<string, Tensor> = {};
  for (const { key, config, term } of termsOf(model)) {
    if (config.weight === 0) continue;
    for (const [name, tensor] of Object.entries((await term.constants?.(content, config)) ?? {}))
      constants[`auxiliary.${key}.${name}`] = tensor;
  }
  return constants;
}

/** The loss of recommendations and the terms, each by its weight; a term of weight 0 is not traced. */
export function withTerms(
  loss: Value,
  p: Params,
  model: Pick<RecipeConfig, "auxiliary">,
  input: AuxiliaryInput,
): Value {
  return termsOf(model)
    .filter(({ config }) => config.weight > 0)
    .reduce((total, { key, config, term }) => {
      const look: AuxiliaryInput["look"] = (items, name, share) => input.look(items, `${key}.${name}`, share);
      const value = term.apply(p.at("auxiliary").at(key), { ...input, look }, config);
      return add(total, mul(value, config.weight));
    }, loss);
}
