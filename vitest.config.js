import { defineConfig } from 'vitest/config'
import { closingLine } from './dist/test/support/closing-line.js'

export default defineConfig({
  test: {
    include: ['dist/test/{unit,integration,browser}/**/*.test.js'],
    globalSetup: ['dist/test/support/global-setup.js'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', closingLine()],
  },
})
