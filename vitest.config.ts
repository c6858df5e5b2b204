import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'node_modules/**'],
    // Tests start brokers, databases and namespaces: processes of their own, and never more than a small machine carries.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['core/**/*.ts', 'agent/**/*.ts', 'testpoint/**/*.ts', 'store/**/*.ts', 'collector/**/*.ts'],
      exclude: ['collector/board/page/**'],
      thresholds: { lines: 90, functions: 90, statements: 90 },
    },
  },
})
