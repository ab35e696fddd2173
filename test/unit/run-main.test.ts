import { expect, test } from 'vitest'
import { type Ended, runScript } from '../support/run-script.ts'

function runMain(body: string): Promise<Ended> {
  return runScript(`
    import { runMain } from '#services/core/infra/lifecycle.js'
    import { readConfig } from '#services/core/infra/config.js'
    import { AppError } from '#services/core/domain/errors.js'
    await runMain(async () => { ${body} })
  `)
}

test('an entry point with a bad configuration exits 78 and lists every problem, a line each', async () => {
  const { code, stderr } = await runMain(`readConfig({ PORT: 'http', REDIS_URL: 'localhost', PIXWARDEN_COLOUR: 'red' })`)
  expect(code).toBe(78)
  expect(stderr.split('\n')).toEqual([
    'pixwarden: configuration:',
    '  REDIS_URL: a URL that begins with redis:// or rediss:// is needed',
    '  PORT: a whole number from 0 to 65535 is needed',
    '  PIXWARDEN_COLOUR: no such setting',
    '',
  ])
})

test.each(['invalid-policy', 'invalid-model'])(
  'one that cannot use what it was given (%s) exits 78 and says only why',
  async (code) => {
    const ended = await runMain(`throw new AppError('${code}', 'it is broken')`)
    expect(ended).toMatchObject({ code: 78, stderr: 'pixwarden: it is broken\n' })
  },
)

test('one that fails in another way exits 1 and says where', async () => {
  const { code, stderr } = await runMain(`throw new TypeError('out of luck')`)
  expect(code).toBe(1)
  expect(stderr).toMatch(/TypeError: out of luck\n\s+at /)
})

test('one that cannot reach its database exits 1 and says why in a line', async () => {
  const ended = await runMain(
    `throw new AppError('store-unavailable', 'no answer', { cause: new AggregateError([new Error('refused'), new Error('gone')]) })`,
  )
  expect(ended).toMatchObject({ code: 1, stderr: 'pixwarden: no answer: refused, gone\n' })
})

test('one that ends well exits 0 and says nothing', async () => {
  expect(await runMain('')).toEqual({ code: 0, stdout: '', stderr: '' })
})
