import { defineConfig } from 'vitest/config'
import { closingLine } from './dist/test/support/closing-line.js'

export default defineConfig({
  test: {
    include: ['dist/test/{unit,integration,browser}/**/*.test.js'],
    globalSetup: ['dist/test/support/global-setup.js'],
    pool: 'forks',
    // Most tests wait for servers and processes: one file at a time would leave the second core idle.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Of 1 s, as it is by itself, a busy machine takes more between two readings.
    expect: { poll: { timeout: 10_000 } },
    reporters: ['default', closingLine()],
  },
})
