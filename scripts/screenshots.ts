/** @file Pictures of the web app's pages for the docs: node dist/scripts/screenshots.js RUN, with Chromium installed. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { packageVersion } from "../src/cli/package.ts";
import { exportWeb } from "../src/serving/browser/export-web.ts";
import { openRecommender } from "../src/serving/open-recommender.ts";
import { serve } from "../src/serving/serve.ts";
import { openRetriever } from "../src/training/open-retriever.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import { executablePath, lacking } from "./chromium.ts";
import { serveFolder } from "./static-server.ts";

const folder = join(import.meta.dirname, "../..", "docs", "pages");
const phone = { width: 390, height: 800 };
const desk = { width: 1180, height: 860 };

const [run] = process.argv.slice(2);
if (run === undefined) throw new Error("name a run folder: node dist/scripts/screenshots.js RUN");
if (executablePath === undefined) throw new Error(lacking);

await mkdir(folder, { recursive: true });
const recommender = await openRecommender({
  run,
  openScorer,
  openRetriever,
  users: "required",
  warmUp: true,
});
const server = await serve(recommender, { port: 0, version: await packageVersion() });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: desk });

/** The page that the address names, once nothing is loading any more. */
async function open(path: string): Promise<void> {
  await page.goto(`${server.address}/#/${path}`);
  await page.locator("h1").waitFor();
  await page.waitForLoadState("networkidle");
}
const take = (name: string) => page.screenshot({ path: join(folder, `${name}.png`) });

/** Puts a history together, and opens the first reason. */
async function makeHistory(): Promise<void> {
  for (const title of ["Pan's Labyrinth", "Spirited Away", "Amelie"]) {
    await page.getByRole("combobox").fill(title);
    await page.getByRole("option", { name: title }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "History" }).getByRole("link", { name: title }).waitFor();
  }
  await page.getByText("Why?").first().click();
}

await open("try");
await makeHistory();
await take("try");
await page.setViewportSize(phone);
await take("try-phone");
await page.setViewportSize(desk);
await page.getByRole("region", { name: "Next" }).getByRole("link").first().click();
await page.getByRole("heading", { name: "Similar items" }).waitFor();
await page.waitForLoadState("networkidle");
await take("item");
for (const path of ["run", "data", "service"]) {
  await open(path);
  if (path === "service") await page.waitForTimeout(20_000); // until its curves have some points
  await take(path);
}
await page.emulateMedia({ colorScheme: "dark" });
await open("run");
await take("run-dark");
await server.close();

// The page of `sequitur export --web`, from a plain web server.
const site = await mkdtemp(join(tmpdir(), "sequitur-site-"));
await exportWeb({ run, directory: site });
const { address, close } = await serveFolder(site);
await page.emulateMedia({ colorScheme: "light" });
await page.goto(address);
await page.locator("h1").waitFor();
await makeHistory();
await take("export");
await page.emulateMedia({ colorScheme: "dark" });
await page.setViewportSize(phone);
await take("export-phone");
await browser.close();
close();
await rm(site, { recursive: true });
