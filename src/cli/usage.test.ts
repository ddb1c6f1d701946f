import { describe, expect, test } from "vitest";
import { createProgram } from "./program.ts";
import { fakeContext } from "./testing/fake-context.ts";
import { sequitur } from "./testing/spawn.ts";

const names = createProgram(fakeContext()).commands.map((command) => command.name());

describe("help", () => {
  test("sequitur --help lists every command and succeeds", async () => {
    const { code, out, error } = await sequitur(["--help"]);
    expect([code, error]).toEqual([0, ""]);
    for (const name of names) expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  test.each(names)("sequitur %s --help shows an example and --json", async (name) => {
    const { code, out } = await sequitur([name, "--help"]);
    expect(code).toBe(0);
    expect(out).toContain(`Example:\n  sequitur ${name}`);
    expect(out).toContain("--json");
  });

  test("--version is that of the package", async () => {
    const { code, out } = await sequitur(["--version"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("no command at all shows the help and is wrong usage", async () => {
    const { code, error } = await sequitur([]);
    expect(code).toBe(2);
    expect(error).toContain("Usage: sequitur");
  });
});

describe("wrong usage is one sentence and exit code 2", () => {
  test.each([
    [
      "an unknown command",
      ["trian"],
      'sequitur: there is no command "trian"; the nearest is "train"; there are: import,',
    ],
    [
      "an unknown option",
      ["train", "--dta", "x"],
      'sequitur train: there is no option "--dta"; the nearest is "--data"',
    ],
    [
      "a missing option",
      ["train", "--data", "x"],
      "sequitur train: required option '--out <folder>' not specified; see",
    ],
    [
      "an option without its value",
      ["train", "--data"],
      "sequitur train: option '--data <folder>' argument missing; see",
    ],
    [
      "a number that is none",
      ["recommend", "--run", "x", "-k", "ten"],
      "it must be a whole number from 1 to 1000",
    ],
    [
      "a number out of range",
      ["recommend", "--run", "x", "-k", "0"],
      "it must be a whole number from 1 to 1000",
    ],
    [
      "a port out of range",
      ["serve", "--run", "x", "--port", "99999"],
      "it must be a whole number from 0 to 65535",
    ],
    [
      "a seed that is negative",
      ["train", "--data", "x", "--out", "y", "--seed", "-1"],
      "from 0 to 4294967295",
    ],
    [
      "a choice that is none",
      ["evaluate", "--run", "x", "--split", "tset"],
      "Allowed choices are test, validation",
    ],
    ["a setting without a value", ["train", "--data", "x", "--out", "y", "--set", "a"], "training.epochs=20"],
    ["an argument too many", ["evaluate", "--run", "x", "y"], "too many arguments"],
    ["neither user nor history", ["recommend", "--run", "x"], "give --user ID or --history ID,ID"],
    [
      "both user and history",
      ["recommend", "--run", "x", "--user", "1", "--history", "2"],
      "cannot be used with",
    ],
    ["an empty history", ["recommend", "--run", "x", "--history", ","], "it names no item"],
    ["compare without runs", ["compare"], "missing required argument 'run'"],
  ])("%s", async (_, args, sentence) => {
    const { code, out, error } = await sequitur(args);
    expect(error).toContain(sentence);
    expect(error.trimEnd()).not.toContain("\n");
    expect([code, out]).toEqual([2, ""]);
  });
});

test("a stack is shown with --verbose, and only then", async () => {
  const args = ["recommend", "--run", "no-such-run", "--history", "1"];
  const short = await sequitur(args);
  expect([short.code, short.error.split("\n").length]).toEqual([2, 2]);
  const long = await sequitur([...args, "--verbose"]);
  expect([long.code, long.error.includes("    at ")]).toEqual([2, true]);
});
