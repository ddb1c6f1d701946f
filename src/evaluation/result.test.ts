import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Protocol, protocolFingerprint } from "./protocol.ts";
import {
  csvField,
  evaluationTable,
  readEvaluation,
  type StoredEvaluation,
  writeEvaluation,
} from "./result.ts";

const protocol: Protocol = {
  dataset: "abc",
  split: { kind: "leave-one-out" },
  part: "test",
  seen: "exclude",
  candidates: "all",
  ties: "pessimistic",
  minInteractions: 3,
};
const evaluation: StoredEvaluation = {
  recipe: "sasrec",
  split: "test",
  users: 2,
  items: 12101,
  metrics: { "HR@10": 0.5, "coverage@10": 0.25 },
  baselines: { popularity: { "HR@10": 0.125, "coverage@10": 0.001 } },
  fingerprint: protocolFingerprint(protocol),
  seed: 1,
  seconds: { train: 10, evaluate: 2 },
  protocol,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-result-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the fingerprint does not depend on the order of keys and depends on every value", () => {
  const reordered = Object.fromEntries(Object.entries(protocol).reverse()) as Protocol;
  expect(protocolFingerprint(reordered)).toBe(protocolFingerprint(protocol));
  const others: Protocol[] = [
    { ...protocol, dataset: "abd" },
    { ...protocol, part: "validation" },
    { ...protocol, seen: "include" },
    { ...protocol, minInteractions: 2 },
    { ...protocol, split: { kind: "global-time", validationFraction: 0.1, testFraction: 0.1 } },
    { ...protocol, split: { kind: "global-time", validationFraction: 0.1, testFraction: 0.2 } },
  ];
  const fingerprints = new Set([protocol, ...others].map(protocolFingerprint));
  expect(fingerprints.size).toBe(others.length + 1);
});

test("the table shows the model beside popularity and the protocol below", () => {
  expect(evaluationTable(evaluation).split("\n")).toEqual([
    "             HR@10  coverage@10",
    "sasrec      0.5000       0.2500",
    "popularity  0.1250       0.0010",
    `leave-one-out, test · 2 users with at least 3 interactions · all 12,101 items ranked · seen items excluded · ties count against the model · fingerprint ${evaluation.fingerprint}`,
  ]);
});

test("result and ranks are written to the run folder and read back", async () => {
  const ranks = [
    { user: 'a "b", c', target: "007", rank: 3 },
    { user: "ünï\nx", target: " 1", rank: 12101 },
  ];
  await writeEvaluation(folder, evaluation, ranks);
  expect(await readEvaluation(folder, "test")).toEqual(evaluation);
  const csv = await readFile(join(folder, "ranks-test.csv"), "utf8");
  expect(csv).toBe('user,target,rank\n"a ""b"", c",007,3\n"ünï\nx"," 1",12101\n');
});

test("an evaluation with seen items among the candidates does not replace the standard one", async () => {
  const other = { ...evaluation, protocol: { ...evaluation.protocol, seen: "include" as const } };
  await writeEvaluation(folder, other, []);
  expect(await readEvaluation(folder, "test")).toEqual(evaluation);
  expect(JSON.parse(await readFile(join(folder, "evaluation-test-seen.json"), "utf8"))).toEqual(other);
});

test("a run that was not evaluated says which command to run", async () => {
  await expect(readEvaluation(folder, "validation")).rejects.toThrow("has no validation evaluation yet; run");
});

test("plain fields are not quoted", () => {
  expect(csvField("B001'x é")).toBe("B001'x é");
});
