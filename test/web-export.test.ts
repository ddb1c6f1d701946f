import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executablePath, lacking } from "../scripts/chromium.ts";
import { type StaticServer, serveFolder } from "../scripts/static-server.ts";
import { exportWeb } from "../src/serving/browser/export-web.ts";
import { openRecommender } from "../src/serving/open-recommender.ts";
import type { Recommendation, RecommendRequest } from "../src/serving/recommender.ts";
import { hostileTitle, importFilms, trainFilms } from "../src/serving/testing/film-run.ts";
import { openRetriever } from "../src/training/open-retriever.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import { chooseFilm, removeFilm, seriousFaults } from "./try-page.ts";

const required = process.env.SEQUITUR_BROWSER === "required";
if (!executablePath) process.stderr.write(`web export test skipped: ${lacking}\n`);

it.runIf(required)("has a browser to look at the exported page in", () => {
  expect(executablePath, lacking).toBeDefined();
});

/** What the figures of the same float32 graph may differ by between two machines of ONNX Runtime. */
const tolerance = 1e-4;

const asked: readonly RecommendRequest[] = [
  { history: ["i3"] },
  { history: ["i3", "i4", "i5"], k: 30 },
  { history: ["i29", "nothing", "i0", "i0"], exclude: ["i1"] },
  { history: Array.from({ length: 20 }, (_, k) => `i${(7 * k) % 30}`), diversity: 0.5 },
  { history: ["i9"], filter: { genre: { in: ["Comedy"] } }, seen: "include" },
  { history: [] },
  { history: ["nothing"] },
];

const figures = ({ items }: Recommendation): number[] => items.map(({ score }) => score);
const words = ({ items, ...rest }: Recommendation): unknown => ({
  ...rest,
  items: items.map(({ score: _, ...item }) => item),
});

describe.skipIf(!executablePath)("an exported page in headless Chromium", () => {
  let folder = "";
  let browser: Browser;
  const sites = new Map<string, StaticServer>();
  const pages = new Map<string, Page>();
  const faults: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sequitur-web-export-"));
    const images = join(folder, "images");
    await mkdir(images);
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: "teal" } });
    await picture.png().toFile(join(images, "i8.png"));
    const data = await importFilms(folder, images);
    for (const recipe of ["sasrec", "bert4rec"]) {
      const [run, site] = [join(folder, recipe), join(folder, `${recipe}-site`)];
      await trainFilms({ data, out: run, recipe, set: { "training.epochs": recipe === "sasrec" ? 30 : 2 } });
      await exportWeb({ run, directory: site, images: recipe === "bert4rec" });
      sites.set(recipe, await serveFolder(site, "/below/a/folder/"));
    }
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    for (const site of sites.values()) site.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function load(address: string): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000); // a browser compiles ONNX Runtime first
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.goto(address);
    return page;
  }

  /** The page of a recipe, which is loaded once, at an address of its own. */
  async function open(path: string, recipe = "sasrec"): Promise<Page> {
    const { address } = sites.get(recipe)!;
    const page = pages.get(recipe) ?? (await load(address));
    pages.set(recipe, page);
    await page.goto(`${address}#/${path}`);
    await page.locator("h1").waitFor();
    return page;
  }

  it.each(["sasrec", "bert4rec"])("recommends what a service of the run does: %s", async (recipe) => {
    const page = await open("try", recipe);
    const service = await openRecommender({
      run: join(folder, recipe),
      openScorer,
      openRetriever,
      users: "required",
    });
    for (const request of asked) {
      const wanted = await service.recommend(request);
      const code = `import("./recommender.js")
        .then(({ openRecommender }) => globalThis.opened ??= openRecommender())
        .then((recommender) => recommender.recommend(${JSON.stringify(request)}))`;
      const given = (await page.evaluate(code)) as Recommendation;
      expect(words(given)).toEqual(words(wanted));
      for (const [place, score] of figures(wanted).entries())
        expect(Math.abs(score - figures(given)[place]!)).toBeLessThan(tolerance);
    }
    await service.dispose();
  });

  it("goes on without a network: a history by the keyboard, what follows, why, and an item", async () => {
    const page = await open("try");
    await page.context().setOffline(true);
    const next = await chooseFilm(page);
    await next.getByRole("link", { name: "Film 8" }).click();
    await page.getByRole("heading", { name: "Similar items" }).waitFor();
    await page.getByText("Comedy").waitFor();
    await page.goBack();
    await removeFilm(page);
    await page.context().setOffline(false);
  });

  it("shows the pictures that were exported with it", async () => {
    const page = await open("item/i8", "bert4rec");
    await page.locator("h1 img").waitFor();
    expect(await page.evaluate("document.querySelector('h1 img').decode().then(() => 'shown')")).toBe(
      "shown",
    );
    await open("item/i9", "bert4rec");
    expect(await page.locator("h1 img").count()).toBe(0);
  });

  it("takes titles for text whatever they hold", async () => {
    const page = await open("item/i0");
    expect(await page.locator("h1").textContent()).toContain(hostileTitle);
    expect(await page.title()).toBe("Item · Sequitur");
  });

  it.each(["try", "item/i3"])("has no serious accessibility fault, and fits a phone: %s", async (path) => {
    const page = await open(path);
    await page.getByRole("listitem").first().waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await seriousFaults(page)).toEqual([]);
    }
    const before = page.viewportSize()!;
    await page.setViewportSize({ width: 360, height: 700 });
    await expect.poll(() => page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    await page.setViewportSize(before);
  });

  it("says nothing on the console", () => {
    expect(faults).toEqual([]);
  });

  it("says which file is missing", async () => {
    const site = join(folder, "bert4rec-site");
    const { parts } = JSON.parse(await readFile(join(site, "export.json"), "utf8")) as {
      parts: { vectors: string };
    };
    await rm(join(site, parts.vectors));
    const page = await load(sites.get("bert4rec")!.address);
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toMatch(
      /^The model could not be loaded: .*\/model\/vectors-\w+\.f32: the web server answered 404; the page needs all files/,
    );
    await writeFile(join(site, "export.json"), "{}");
    await page.reload();
    await page.getByText("this is not of an export").waitFor();
    await page.close();
  });
});
