import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../core/infra/config.ts'
import { openDatabase } from '../core/infra/database.ts'
import { onShutdown, runMain } from '../core/infra/lifecycle.ts'
import { createLogger, type Logger } from '../core/infra/logger.ts'
import { packageRoot } from '../core/infra/package-root.ts'
import { createPgApiKeyStore } from '../core/infra/pg-api-key-store.ts'
import { createPgSessionStore } from '../core/infra/pg-session-store.ts'
import { createStandalone } from './create-standalone.ts'
import { demoTable } from './demo-table.ts'
import { isPortFree } from './ports.ts'
import { submitSamples } from './submit-samples.ts'

await runMain(async () => {
  const { values: options } = parseArgs({ options: { exit: { type: 'boolean', default: false } } })
  const env = {
    ...process.env,
    // Only what goes wrong is logged, so that the table can be read.
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
    PORT: process.env.PORT ?? (await defaultPort()),
    // Eight pictures are no load, and somebody waits for them.
    PIXWARDEN_TUNE: process.env.PIXWARDEN_TUNE ?? 'off',
  }
  const config = readConfig(env)
  const log = createLogger({ level: config.logLevel, name: 'demo' })
  const standalone = createStandalone({ config, env, log })
  onShutdown(() => standalone.stop(), log)

  say('Starting PostgreSQL, the API and a worker …')
  const runtime = await standalone.start()
  if (!runtime) return
  try {
    const { key, link } = await createAccess({ ...config, databaseUrl: runtime.databaseUrl }, log)
    const submissions = await submitSamples({ dir: path.join(packageRoot, 'policies', 'samples'), apiUrl: runtime.apiUrl, key })
    say(`\n${demoTable(submissions)}`)
    if (!options.exit) return say(welcome(runtime.apiUrl, key, link))
    process.exitCode = submissions.every((submission) => 'decision' in submission) ? 0 : 1
  } catch (error) {
    await standalone.stop()
    throw error
  }
  await standalone.stop()
})

async function defaultPort(): Promise<string> {
  if (await isPortFree('127.0.0.1', 8080)) return '8080'
  say('Port 8080 is taken, so a free one is used; PORT sets another.')
  return '0'
}

type Access = { key: string; link: string }

/** A key for programs, and a link that signs a person in. */
async function createAccess({ databaseUrl: url = '', databaseSchema: schema }: Config, log: Logger): Promise<Access> {
  const database = openDatabase({ url, schema, pool: 2, log })
  try {
    const { id, secret } = await createPgApiKeyStore(database).create({ tenant: 'default', name: 'demo', scopes: ['admin'] })
    return { key: secret, link: await createPgSessionStore(database).createLink({ keyId: id, name: 'demo' }) }
  } finally {
    await database.close()
  }
}

function welcome(apiUrl: string, key: string, link: string): string {
  return `API   ${apiUrl}
Docs  ${apiUrl}/docs
Key   ${key}

Try a picture of your own:
  curl -H 'Authorization: Bearer ${key}' --data-binary @photo.jpg -H 'Content-Type: image/jpeg' '${apiUrl}/v1/uploads?wait=30'

What was flagged waits for a person. This opens signed in, once, within ten minutes; \`npx pixwarden dashboard\` prints another:
Dashboard  ${apiUrl}/dashboard/#link=${link}

Ctrl-C stops it.`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
