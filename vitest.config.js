import { defineConfig } from 'vitest/config'
import { closingLine } from './dist/test/support/closing-line.js'
import { UnitLast } from './dist/test/support/unit-last.js'

const each = {
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Of 1 s, as it is by itself, a busy machine takes more between two readings.
  expect: { poll: { timeout: 10_000 } },
}

export default defineConfig({
  test: {
    globalSetup: ['dist/test/support/global-setup.js'],
    // Most tests wait for servers and processes: one file at a time would leave the second core idle.
    maxWorkers: 2,
    sequence: { sequencer: UnitLast },
    projects: [
      { test: { ...each, name: 'service', include: ['dist/test/{integration,browser}/**/*.test.js'] } },
      // A process and its imports take far longer than most of these files.
      { test: { ...each, name: 'unit', include: ['dist/test/unit/**/*.test.js'], isolate: false } },
    ],
    reporters: ['default', closingLine()],
  },
})
