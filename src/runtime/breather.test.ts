import { describe, expect, it } from "vitest";
import { breather } from "./breather.ts";

/** Works for some milliseconds without letting go. */
function work(milliseconds: number): void {
  for (const began = performance.now(); performance.now() - began < milliseconds; );
}

describe("a breather", () => {
  it("gives the event loop its turn after so much work, and not before", async () => {
    const breathe = breather(20);
    let turns = 0;
    setImmediate(() => turns++);
    await breathe();
    expect(turns).toBe(0);
    work(25);
    await breathe();
    expect(turns).toBe(1);
  });
});
