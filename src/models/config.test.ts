import { describe, expect, it } from "vitest";
import { isBaseline, resolveModelConfig, rowWidth, setPath } from "./config.ts";
import { modelConfig, recipeConfig, recipes } from "./recipes.ts";

describe("a recipe's configuration", () => {
  it.each(recipes.map((r) => r.name))("of %s is complete, and reading it back changes nothing", (recipe) => {
    const config = modelConfig({ recipe });
    expect(resolveModelConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    const keys = isBaseline(config) ? [] : ["epochs", "patience", "learningRate", "batchTokens"];
    for (const key of [...keys, "threads"]) expect(config.training).toHaveProperty(key);
  });

  it("takes settings from a file, and those of the command line win", () => {
    const config = recipeConfig({
      config: { training: { epochs: 7, patience: 3 }, backbone: { blocks: 3 } },
      set: [{ path: "training.epochs", value: 9 }],
    });
    expect(config.training).toMatchObject({ epochs: 9, patience: 3 });
    expect(config.backbone).toMatchObject({
      name: "sasrec",
      blocks: 3,
      heads: recipeConfig({}).backbone.heads,
    });
  });

  it.each<[string, Parameters<typeof recipeConfig>[0], string]>([
    [
      "recipe",
      { recipe: "sasrek" },
      'there is no recipe "sasrek"; the nearest is "sasrec"; there are: sasrec',
    ],
    [
      "section",
      { config: { trainig: {} } },
      'there is no setting "trainig"; the nearest is "training"; there are: items, backbone, task, loss, auxiliary, optimizer, scoring, training, split',
    ],
    [
      "setting",
      { set: [{ path: "backbone.block", value: 2 }] },
      'there is no setting "backbone.block"; the nearest is "blocks"; there are: name, blocks, heads, dropout, hidden, activation',
    ],
    [
      "part",
      { set: [{ path: "loss.name", value: "crossentropy" }] },
      'loss.name: there is no "crossentropy"; the nearest is "cross-entropy"; there are: cross-entropy',
    ],
    [
      "value",
      { set: [{ path: "training.epochs", value: "many" }] },
      'setting "training.epochs" cannot be "many": Invalid input: expected number, received string',
    ],
    [
      "range",
      { set: [{ path: "backbone.dropout", value: 1.5 }] },
      'setting "backbone.dropout" cannot be 1.5: Too big: expected number to be <=0.95',
    ],
    [
      "choice",
      { set: [{ path: "training.schedule", value: "step" }] },
      'setting "training.schedule" cannot be "step": Invalid option: expected one of "constant"|"cosine"|"linear"',
    ],
    [
      "row",
      { set: [{ path: "training.maxLength", value: 100 }] },
      "training.rowLength is 64, but it must be at least training.maxLength (100)",
    ],
    [
      "circular filter",
      { recipe: "fmlp", set: [{ path: "backbone.filter", value: "circular" }] },
      'backbone "fmlp" with these settings sees the items after each item, which training.targets "all" has it predict; set training.targets to "last"',
    ],
    [
      "target",
      { set: [{ path: "training.targets", value: "last" }] },
      'training.targets "last" takes a backbone with padded rows; backbone "sasrec" learns from packed rows',
    ],
    [
      "batch",
      { recipe: "fmlp", set: [{ path: "training.batchTokens", value: 32 }] },
      "training.batchTokens is 32, but a step must hold a history of training.maxLength (50)",
    ],
    ["file", { config: [1] }, "a configuration file must hold one JSON object of settings"],
    ["section type", { config: { training: 3 } }, 'setting "training" must be an object of settings, not 3'],
  ])("names what is wrong with a %s", (_, choice, message) => {
    expect(() => recipeConfig(choice)).toThrow(message);
  });

  it("takes any maxLength where rows are padded, whatever packed rows would be", () => {
    const set = [{ path: "training.maxLength", value: 100 }];
    expect(rowWidth(recipeConfig({ recipe: "fmlp", set }))).toBe(100);
  });

  it("puts values at dotted paths without touching the original", () => {
    const before = { training: { epochs: 1 } };
    expect(setPath(before, "training.patience", 2)).toEqual({ training: { epochs: 1, patience: 2 } });
    expect(setPath({}, "a.b.c", null)).toEqual({ a: { b: { c: null } } });
    expect(before).toEqual({ training: { epochs: 1 } });
  });
});
