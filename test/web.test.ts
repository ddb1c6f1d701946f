import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executablePath, lacking } from "../scripts/chromium.ts";
import { evaluateRun } from "../src/evaluation/evaluate-run.ts";
import { parseKeys } from "../src/serving/http/keys.ts";
import { openRecommender } from "../src/serving/open-recommender.ts";
import { type RunningServer, serve } from "../src/serving/serve.ts";
import { hostileTitle, importFilms, trainFilms } from "../src/serving/testing/film-run.ts";
import { openRetriever } from "../src/training/open-retriever.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import { focused, onlyForTheMouse, walk } from "./keyboard.ts";
import { chooseFilm, removeFilm, seriousFaults } from "./try-page.ts";

const required = process.env.SEQUITUR_BROWSER === "required";
if (!executablePath) process.stderr.write(`web app test skipped: ${lacking}\n`);

it.runIf(required)("has a browser to look at the web app in", () => {
  expect(executablePath, lacking).toBeDefined();
});

/** A world where item k + 1 follows item k, and a model that has learned it. */
async function makeRun(folder: string): Promise<string> {
  const out = join(folder, "run");
  await trainFilms({ data: await importFilms(folder), out, set: { "training.epochs": 30 } });
  await evaluateRun({ run: out, openScorer });
  return out;
}

describe.skipIf(!executablePath)("the web app in headless Chromium", () => {
  let [folder, run] = ["", ""];
  let server: RunningServer;
  let browser: Browser;
  const faults: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sequitur-web-"));
    run = await makeRun(folder);
    server = await serve(await openRecommender({ run, openScorer, openRetriever, users: "required" }), {
      port: 0,
    });
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(path: string, address = server.address): Promise<Page> {
    const page = await browser.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.goto(`${address}/#/${path}`);
    await page.locator("h1").waitFor();
    return page;
  }

  it("recommends what follows a history that is put together with the keyboard", async () => {
    const page = await open("try");
    await chooseFilm(page);
    await removeFilm(page);
    await page.close();
  });

  it("shows an item, and takes titles for text whatever they hold", async () => {
    const page = await open("item/i0");
    expect(await page.locator("h1").textContent()).toContain(hostileTitle);
    await page.getByText("Drama").waitFor();
    await page.getByRole("heading", { name: "Interactions over time" }).waitFor();
    expect(
      await page.getByRole("region", { name: "Similar items" }).getByRole("listitem").count(),
    ).toBeGreaterThan(3);
    expect(await page.title()).toBe("Item · Sequitur");
    await page.close();
  });

  it("says of an item whether the model can recommend it, and why not", async () => {
    const trained = await open("item/i3");
    await trained.getByText("the model can recommend it").waitFor();
    await trained.close();
    const put = (method: string, body: string | null = null) =>
      fetch(`${server.address}/v1/items/new`, { method, body });
    expect((await put("PUT", '{"title":"Film 31"}')).status).toBe(200);
    const added = await open("item/new");
    await added
      .getByRole("note")
      .getByText(/^The model does not recommend it: sasrec knows items by their ids alone/)
      .waitFor();
    await added.close();
    expect((await put("DELETE")).status).toBe(204);
  });

  it("shows the run, the data and the service", async () => {
    const page = await open("run");
    await page.getByRole("row", { name: /popularity/ }).waitFor();
    expect(await page.locator("canvas").count()).toBe(2);
    await page.getByText(/Effective rank [\d.]+ of \d+/).waitFor();
    expect(await page.getByRole("region", { name: "Item vectors" }).getByRole("link").count()).toBe(
      6 * (1 + 5),
    );
    await page.getByRole("link", { name: "Data" }).click();
    await page.getByText("420 interactions of 60 users with 30 items").waitFor();
    await page.getByRole("link", { name: "Service" }).click();
    await page.getByRole("row", { name: /\/v1\/run/ }).waitFor();
    await page.close();
  });

  it.each(["try", "item/i3", "run", "data", "service"])(
    "has no serious accessibility fault: %s",
    async (path) => {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await open(path);
        await page.emulateMedia({ colorScheme });
        await page.waitForLoadState("networkidle");
        expect(await seriousFaults(page)).toEqual([]);
        await page.close();
      }
    },
  );

  it.each(["try", "item/i0", "run", "data", "service"])(
    "fits a phone, and shows the keyboard's way through all of it: %s",
    async (path) => {
      const page = await open(path);
      await page.setViewportSize({ width: 360, height: 700 });
      if (path === "try") await chooseFilm(page);
      await page.waitForLoadState("networkidle");
      await page.locator("summary").first().waitFor();
      for (const summary of await page.locator("summary").all()) {
        await summary.focus();
        if (path !== "try") await page.keyboard.press("Enter"); // there, one is open already
      }
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
      const { reached, faults } = await walk(page);
      expect(faults).toEqual([]);
      expect(reached).toBeGreaterThan(path === "try" ? 30 : 8);
      expect(await onlyForTheMouse(page)).toEqual([]);
      await page.close();
    },
    60_000,
  );

  it("is used by keys alone: a history put together and taken apart, an item, back", async () => {
    const page = await open("try");
    const press = async (...keys: readonly string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const history = page.getByRole("region", { name: "History" });
    const next = page.getByRole("region", { name: "Next" });
    await next.getByRole("listitem").first().waitFor();

    await press("Tab", "Enter", "Tab"); // past the names of the pages
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).toBe("combobox");
    await page.keyboard.type("film 1");
    await page.getByRole("option", { name: /^Film 10\b/ }).waitFor();
    await press("Escape", "Enter"); // what is not to be seen is not taken
    expect(await history.getByRole("listitem").count()).toBe(0);
    await press("ArrowDown");
    const second = page.getByRole("option").nth(1);
    const title = (await second.locator("span").textContent())!;
    await press("ArrowDown", "Enter");
    await history.getByRole("link", { name: title, exact: true }).waitFor();
    await page.keyboard.type("film 7"); // and Enter at once, before anything is found
    await press("Enter");
    await next.getByRole("listitem").first().getByRole("link", { name: "Film 8" }).waitFor();

    await press("Escape", "Tab", "Tab");
    expect(await focused(page)).toBe(`Remove ${title}`);
    await press("Enter");
    await expect.poll(() => focused(page)).toBe("Remove Film 7");
    await press("Tab");
    expect(await focused(page)).toBe("Start again");
    const answer = page.waitForResponse(/\/v1\/recommend$/);
    await press("Tab", "ArrowRight");
    expect(await next.locator("output").textContent()).toBe("0.1");
    await answer;
    await press("Tab", "Tab");
    expect(await focused(page)).toMatch(/^Add to the history: Film \d+$/);
    await press("Space");
    await expect.poll(() => history.getByRole("listitem").count()).toBe(2);
    expect(await focused(page)).toBe("Next");

    await press("Shift+Tab", "Shift+Tab", "Enter"); // the one that was added is taken out again
    await expect.poll(() => focused(page)).toBe("Remove Film 7");
    await press("Enter");
    await expect.poll(() => focused(page)).toBe("History");
    await next.getByText("the history is empty").waitFor();

    await press("Tab", "Escape", "Tab", "Tab");
    const film = await focused(page);
    await press("Enter");
    await page.getByRole("heading", { name: film, level: 1 }).waitFor();
    await expect.poll(() => page.evaluate("document.activeElement.tagName")).toBe("MAIN");
    await page.goBack();
    await page.getByRole("heading", { name: "What comes next?" }).waitFor();
    await page.close();
  }, 60_000);

  it("asks for a key where the service wants one", async () => {
    const recommender = await openRecommender({ run, openScorer, openRetriever, users: "required" });
    const locked = await serve(recommender, {
      port: 0,
      keys: parseKeys("read secret-key-of-the-test", "test"),
    });
    const page = await browser.newPage();
    await page.goto(`${locked.address}/#/try`);
    await page.getByLabel(/API key/).fill("secret-key-of-the-test");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByRole("region", { name: "Next" }).getByRole("listitem").first().waitFor();
    await page.close();
    await locked.close();
  });

  it("says nothing on the console", () => {
    expect(faults).toEqual([]);
  });
});
