import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A test that passes at the second try has found something; nobody may hide it.
    retry: 0,
    // Real workerd processes take their time when two cores are shared.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
