/** @file Steps that tests of the web app and of an exported page have in common, in the world of films. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Locator, Page } from "playwright-core";

/** Puts Film 7 into the history by the keyboard, sees Film 8 come first, and asks why. Returns what comes next. */
export async function chooseFilm(page: Page): Promise<Locator> {
  await page.getByRole("combobox").fill("film 7");
  await page.getByRole("option", { name: /^Film 7\b/ }).waitFor();
  await page.keyboard.press("Enter");
  const next = page.getByRole("region", { name: "Next" });
  await next.getByRole("listitem").first().getByRole("link", { name: "Film 8" }).waitFor();
  await next.getByText("Why?").first().click();
  await next
    .getByText(/Film 7: alike/)
    .first()
    .waitFor();
  return next;
}

/** Takes Film 7 out of the history again, which is empty then. */
export async function removeFilm(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Remove Film 7" }).click();
  await page.getByRole("region", { name: "Next" }).getByText("the history is empty").waitFor();
}

/** What axe calls a serious or critical fault of the page as it is. */
export async function seriousFaults(page: Page): Promise<string[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const { violations } = (await page.evaluate(`${axe}; axe.run()`)) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
}
