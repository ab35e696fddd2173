import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'

let project: string

beforeEach(async () => {
  project = await mkdtemp(path.join(os.tmpdir(), 'closing-line-'))
  await symlink(path.join(packageRoot, 'node_modules'), path.join(project, 'node_modules'))
  await writeFile(
    path.join(project, 'vitest.config.js'),
    `import { closingLine } from ${JSON.stringify(path.join(import.meta.dirname, '../support/closing-line.js'))}
     export default { test: { include: ['*.test.js'], reporters: ['default', closingLine()] } }`,
  )
})

afterEach(() => rm(project, { recursive: true, force: true }))

test('a run ends with its counts alone on a line, skipped tests named', async () => {
  const passing = `import { test } from 'vitest'
    test('passes', () => {})
    test('passes too', () => {})`
  expect(await lastLineOf({ passing })).toBe('2 passed, 0 failed')
  const mixed = `import { test } from 'vitest'
    test('fails', () => { throw new Error('no') })
    test('has no server', ({ skip }) => skip('no server'))`
  expect(await lastLineOf({ passing, mixed })).toBe('2 passed, 1 failed, 1 skipped')
}, 30_000)

test('what fails outside a test is a failure too', async () => {
  const unloadable = `throw new Error('does not load')`
  const hook = `import { beforeAll, describe, test } from 'vitest'
    describe('with a broken hook', () => {
      beforeAll(() => { throw new Error('no') })
      test('never runs', () => {})
    })`
  const rejection = `import { test } from 'vitest'
    test('forgets a promise', async () => {
      Promise.reject(new Error('forgotten'))
      await new Promise((resolve) => setImmediate(resolve))
    })`
  expect(await lastLineOf({ unloadable, hook, rejection })).toBe('1 passed, 3 failed, 1 skipped')
}, 30_000)

async function lastLineOf(tests: Record<string, string>): Promise<string | undefined> {
  for (const [name, text] of Object.entries(tests)) await writeFile(path.join(project, `${name}.test.js`), text)
  const vitest = path.join(packageRoot, 'node_modules/.bin/vitest')
  const output = await new Promise<string>((resolve) => {
    execFile(vitest, ['run', '--root', project], { cwd: project }, (_error, stdout) => resolve(stdout))
  })
  return output.trimEnd().split('\n').at(-1)
}
