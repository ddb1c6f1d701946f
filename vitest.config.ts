import { defineConfig } from "vitest/config";

// The tests run on the compiled output, so that what is tested is what ships (worker entry files included).
export default defineConfig({
  test: {
    include: ["dist/**/*.test.js"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
