import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { judge } from "../scripts/audit.ts";

const counts = { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0 };
const report = (vulnerabilities: object, more: object = {}) =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities,
    metadata: { vulnerabilities: { ...counts, ...more } },
  });

test("a report without a high finding passes", () => {
  const lesser = { tar: { name: "tar", severity: "moderate", via: ["minipass"], range: "<7" } };
  expect(judge(report({}))).toEqual({
    fails: false,
    lines: ["audit: no high finding in runtime dependencies, 0 lesser ones"],
  });
  expect(judge(report(lesser, { moderate: 1, total: 1 })).fails).toBe(false);
});

test.each(["high", "critical"])("a %s finding fails and is named", (severity) => {
  const via = [{ source: 1, title: "Remote code execution", url: "https://example.org/1" }, "other"];
  const { fails, lines } = judge(
    report({ pg: { name: "pg", severity, via, range: "<8.2.0" } }, { [severity]: 1, total: 1 }),
  );
  expect(fails).toBe(true);
  expect(lines[0]).toBe(`audit: ${severity}: pg <8.2.0: Remote code execution (https://example.org/1)`);
});

test("a high count alone fails, too", () => {
  expect(judge(report({}, { high: 1, total: 1 })).fails).toBe(true);
});

test.each([
  ['{"message":"connect ECONNREFUSED","error":{"summary":"","detail":""}}', "connect ECONNREFUSED"],
  ['{"message":"405 Method Not Allowed","statusCode":405}', "405 Method Not Allowed"],
  ["", "npm gave no report"],
  ["<html>", "npm gave no report"],
])("a registry that cannot be asked is told, and passes: %s", (output, reason) => {
  const line = `audit: skipped, the registry cannot be asked: ${reason}`;
  expect(judge(output)).toEqual({ fails: false, lines: [line] });
});

test("as a program it ends with 1 for a finding, and with 0 otherwise", async () => {
  const program = join(import.meta.dirname, "..", "scripts", "audit.js");
  const codeOf = async (input: string): Promise<unknown[]> => {
    const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(input);
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
    return [code, out.split(":")[0]];
  };
  expect(await codeOf(report({ pg: { severity: "high" } }, { high: 1 }))).toEqual([1, "audit"]);
  expect(await codeOf("")).toEqual([0, "audit"]);
});
