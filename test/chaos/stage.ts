import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { SCOPES } from '../../services/core/domain/scopes.ts'
import { openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createPgApiKeyStore } from '../../services/core/infra/pg-api-key-store.ts'
import { freePort } from '../../services/standalone/ports.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'
import { createClient } from './client.ts'
import { complaintsOf } from './complaints.ts'
import { type ErrorLine, type ServiceName, type ServiceProcess, startServiceProcess } from './service-process.ts'
import { layOutStub } from './stub-model.ts'

export type StageOptions = {
  /** `stub` is tiny and random, with two made-up policies, where a trial is about the plumbing; `embedded` is what ships, with its policies. */
  model: 'stub' | 'embedded'
  queue?: 'redis' | 'postgres'
  workers?: number
  env?: Record<string, string>
}

export type Stage = Awaited<ReturnType<typeof openStage>>

/** The real processes on a database, a Redis and folders of their own. The api keeps its port when it is started again. */
export async function openStage({ model, queue = 'redis', workers = 1, env = {} }: StageOptions) {
  const database = await createTestDatabase()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-chaos-'))
  let redis = queue === 'redis' ? await startRedis() : undefined
  const settings = {
    PATH: process.env.PATH ?? '',
    PIXWARDEN_TUNE: 'off',
    DATABASE_URL: database.url,
    ...(redis && { REDIS_URL: redis.url }),
    PIXWARDEN_DATA_DIR: dir,
    PORT: String(await freePort('127.0.0.1')),
    ...(model === 'stub' && (await layOutStub(dir))),
    ...env,
  }
  const errors: ErrorLine[] = []
  const launched: ServiceProcess[] = []
  const launch = async (service: ServiceName, more: Record<string, string> = {}) => {
    const started = await startServiceProcess(service, { ...settings, ...more }, (line) => errors.push(line))
    launched.push(started)
    return started
  }
  let api = await launch('api')
  const running = await Promise.all(Array.from({ length: workers }, () => launch('worker')))
  const key = await createKey(database.url)
  const client = createClient({ url: `http://127.0.0.1:${settings.PORT}`, key })

  return {
    client,
    database,
    /** Decision rows that each upload gets. */
    policies: await countPolicies(settings.PIXWARDEN_POLICIES ?? path.join(packageRoot, 'policies')),
    /** Lines that processes logged as errors. */
    errors,
    /** What they complain of, most often first. */
    complaints: () => complaintsOf(errors),
    redis: () => {
      if (!redis) throw new Error('this stage has no Redis')
      return redis
    },
    api: () => api,
    workers: running,
    /** With settings of its own. */
    async startWorker(more?: Record<string, string>) {
      const worker = await launch('worker', more)
      running.push(worker)
      return worker
    },
    async restartApi() {
      api = await launch('api')
    },
    /** On the same port, and empty. */
    async restartRedis() {
      redis = await startRedis({ port: Number(new URL(redis?.url ?? '').port) })
    },
    /** Until the api has its database and its queue. */
    ready: () => waitFor(async () => (await client.readiness()) === 'ready', { timeoutMs: 60_000, what: 'the api to be ready' }),
    async close() {
      await client.close()
      await Promise.all(launched.map((each) => each.end('SIGTERM')))
      await redis?.stop()
      await database.drop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function countPolicies(dir: string): Promise<number> {
  return (await readdir(dir)).filter((name) => name.endsWith('.yaml')).length
}

async function createKey(databaseUrl: string): Promise<string> {
  const database = openDatabase({ url: databaseUrl, schema: 'pixwarden', pool: 2, log: silentLogger() })
  try {
    const { secret } = await createPgApiKeyStore(database).create({ tenant: 'default', name: 'chaos', scopes: [...SCOPES] })
    return secret
  } finally {
    await database.close()
  }
}
