import { defineConfig } from 'vitest/config'

const lab = 'test/**/*lab.test.ts'

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', 'node_modules/**', lab],
          sequence: { groupOrder: 0 },
        },
      },
      // Shaped links carry what the processor lets them: these run alone, one file at a time, after all others.
      { extends: true, test: { name: 'lab', include: [lab], maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
    // Tests start brokers, databases and namespaces: processes of their own, and never more than a small machine carries.
    pool: 'forks',
    maxWorkers: 2,
    // A shared machine stalls now and then; what needed a second try is named in the report.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    expect: { poll: { timeout: 10_000, interval: 20 } },
    teardownTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['core/**/*.ts', 'agent/**/*.ts', 'testpoint/**/*.ts', 'store/**/*.ts', 'collector/**/*.ts'],
      exclude: ['collector/board/page/**'],
      thresholds: { lines: 90, functions: 90, statements: 90 },
    },
  },
})
