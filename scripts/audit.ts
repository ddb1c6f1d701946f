/** @file Reads what `npm audit --json` says on standard input: a high finding fails, a registry that cannot be asked does not. */
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { z } from "zod";

const Report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({ severity: z.string(), range: z.string().optional(), via: z.array(z.unknown()).optional() }),
  ),
  metadata: z.object({ vulnerabilities: z.record(z.string(), z.number()) }),
});
const Advisory = z.object({ title: z.string(), url: z.string().optional() });
const Failure = z.object({ message: z.string() });

/** What to print, and whether it is a reason to fail. */
export interface Verdict {
  readonly fails: boolean;
  readonly lines: readonly string[];
}

/** Judges the output of `npm audit --json`, which is a report, or an error where the registry gave none. */
export function judge(output: string): Verdict {
  const given = jsonOf(output);
  const report = Report.safeParse(given);
  if (!report.success) {
    const failure = Failure.safeParse(given);
    const reason = failure.success ? failure.data.message : "npm gave no report";
    return { fails: false, lines: [`audit: skipped, the registry cannot be asked: ${reason}`] };
  }
  const { vulnerabilities, metadata } = report.data;
  const found = Object.entries(vulnerabilities).filter(([, { severity }]) =>
    /^(high|critical)$/.test(severity),
  );
  const lines = found.map(([name, { severity, range = "any version", via = [] }]) => {
    const advisories = via.flatMap((each) => Advisory.safeParse(each).data ?? []);
    const titles = advisories.map(({ title, url }) => (url ? `${title} (${url})` : title)).join("; ");
    return `audit: ${severity}: ${name} ${range}${titles && `: ${titles}`}`;
  });
  const { high = 0, critical = 0, total = 0 } = metadata.vulnerabilities;
  const fails = lines.length > 0 || high + critical > 0;
  const end = fails
    ? "audit: run npm audit --omit=dev, and update what it names"
    : `audit: no high finding in runtime dependencies, ${total} lesser ones`;
  return { fails, lines: [...lines, end] };
}

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { fails, lines } = judge(await text(process.stdin));
  process.stdout.write(`${lines.join("\n")}\n`);
  process.exitCode = Number(fails);
}
