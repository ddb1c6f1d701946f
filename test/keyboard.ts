/** @file What the keyboard can reach on a page, and whether one sees where it is. */
import type { Page } from "playwright-core";

/** Runs in the page: the elements that Tab should stop at, from the first to the last. */
const stops = `[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
  .filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility())`;

/** Runs in the page: the number of the stop that has the focus, and what is wrong with how it shows. */
const here = `(() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { left, top, width, height } = element.getClientRects()[0] ?? {};
  const front = document.elementFromPoint(left + Math.min(width, innerWidth) / 2, top + Math.min(height, 10) / 2);
  const faults = [];
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) faults.push("no outline");
  if (!front || !(element.contains(front) || front.contains(element))) faults.push("covered or out of sight");
  return { at: globalThis.stops.indexOf(element), name: element.outerHTML.slice(0, 100), faults };
})()`;

/** Presses Tab all the way through a page; what it never reaches, and what does not show that it has the focus. */
export async function walk(page: Page): Promise<{ readonly reached: number; readonly faults: string[] }> {
  const count = (await page.evaluate(`(globalThis.stops = ${stops}).length`)) as number;
  await page.evaluate("document.activeElement.blur(), scrollTo(0, 0)");
  const reached = new Set<number>();
  const faults: string[] = [];
  for (let press = 0; press < count + 2 && reached.size < count; press++) {
    await page.keyboard.press("Tab");
    const {
      at,
      name,
      faults: found,
    } = (await page.evaluate(here)) as {
      at: number;
      name: string;
      faults: string[];
    };
    if (at < 0) continue; // the browser's own parts
    reached.add(at);
    faults.push(...found.map((fault) => `${fault}: ${name}`));
  }
  const missed = (await page.evaluate(
    "globalThis.stops.map((element) => element.outerHTML.slice(0, 100))",
  )) as string[];
  return {
    reached: reached.size,
    faults: [
      ...faults,
      ...missed.filter((_, at) => !reached.has(at)).map((name) => `never reached: ${name}`),
    ],
  };
}

/** What shows a hand under the mouse, but no key can reach; options of a list are chosen by the field's arrow keys. */
export const onlyForTheMouse = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const reachable = new Set(${stops});
    const within = (element) => element !== null && (reachable.has(element) || within(element.parentElement));
    return [...document.querySelectorAll("body *")]
      .filter((element) => element.checkVisibility() && element.closest('[role="option"]') === null)
      .filter((element) => {
        const { cursor, pointerEvents } = getComputedStyle(element);
        return cursor === "pointer" && pointerEvents !== "none" && !within(element);
      })
      .map((element) => element.outerHTML.slice(0, 100));
  })()`);

/** What has the focus, as one reads it; "" where nothing has. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const element = document.activeElement;
    return element === document.body ? "" : (element.getAttribute("aria-label") ?? element.textContent).trim();
  })()`);
