import { expect, test } from 'vitest'
import { runScript } from '../support/run-script.ts'

async function linesOf(level: string, statements: string): Promise<{ text: string; lines: Record<string, unknown>[] }> {
  const { stdout } = await runScript(`
    import { createLogger } from '#services/core/infra/logger.js'
    const log = createLogger({ level: '${level}', name: 'worker' })
    ${statements}
  `)
  const texts = stdout.split('\n').filter((line) => line !== '')
  return { text: stdout, lines: texts.map((line) => JSON.parse(line)) }
}

test('a log is JSON, a line each, named by its process', async () => {
  const { lines } = await linesOf('info', `log.child({ uploadId: 'u1' }).info({ action: 'flag' }, 'decided')`)
  expect(lines).toMatchObject([{ name: 'worker', uploadId: 'u1', action: 'flag', msg: 'decided' }])
})

test('what is below the level is not there', async () => {
  const { lines } = await linesOf('warn', `log.info('quiet'); log.warn('loud')`)
  expect(lines).toMatchObject([{ msg: 'loud' }])
})

test('an error keeps its message, its stack and its cause', async () => {
  const { lines } = await linesOf('info', `log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')`)
  expect(lines).toMatchObject([{ err: { type: 'Error', message: 'outer: inner', stack: expect.stringContaining('inner') } }])
})

test('keys and cookies are cut out of headers, the rest is left', async () => {
  const { text, lines } = await linesOf(
    'info',
    `const headers = { authorization: 'Bearer pxw_secret', cookie: 'session=secret', host: 'example.com' }
     log.info({ req: { headers } }, 'a request')
     log.info({ headers }, 'its headers')`,
  )
  expect(text).not.toContain('secret')
  const headers = { authorization: '[Redacted]', cookie: '[Redacted]', host: 'example.com' }
  expect(lines).toMatchObject([{ req: { headers } }, { headers }])
})
