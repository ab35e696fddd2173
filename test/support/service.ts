import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Decision, UploadView } from '../../services/core/domain/decision.ts'
import { SCOPES } from '../../services/core/domain/scopes.ts'
import { openDatabase } from '../../services/core/infra/database.ts'
import { HUGE_PAGES } from '../../services/core/infra/huge-pages.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createPgApiKeyStore } from '../../services/core/infra/pg-api-key-store.ts'
import { createTestDatabase } from './postgres.ts'
import { waitFor } from './wait-for.ts'

export const SAMPLES = path.join(packageRoot, 'policies', 'samples')

export type ServiceOptions = {
  /** BullMQ's PostgreSQL backend when absent. */
  redisUrl?: string | undefined
  workers?: number
  env?: Record<string, string>
}

export type Service = Awaited<ReturnType<typeof startService>>

/** Starts the real api and workers on a database and folders of their own, as a deployment would. */
export async function startService({ redisUrl, workers = 1, env = {} }: ServiceOptions = {}) {
  const database = await createTestDatabase()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-'))
  const policies = path.join(dir, 'policies')
  await shareModelCaches(dir)
  await cp(path.join(packageRoot, 'policies'), policies, { recursive: true })
  const settings = {
    PATH: process.env.PATH ?? '',
    DATABASE_URL: database.url,
    ...(redisUrl && { REDIS_URL: redisUrl }),
    PIXWARDEN_QUEUE_PREFIX: `{${path.basename(dir)}}`,
    PIXWARDEN_DATA_DIR: dir,
    PIXWARDEN_POLICIES: policies,
    PORT: '0',
    LOG_LEVEL: 'warn',
    // A test waits for no measurement, and a trial compares like with like.
    PIXWARDEN_TUNE: 'off',
    ...env,
  }
  const api = await startProcess('api', settings)
  const url = `http://127.0.0.1:${api.port}`
  const running = [api.child]
  const metricsPorts: number[] = []
  const startWorker = async () => {
    const { child, metricsPort } = await startProcess('worker', { ...HUGE_PAGES, ...settings })
    running.push(child)
    if (metricsPort) metricsPorts.push(metricsPort)
  }
  await Promise.all(Array.from({ length: workers }, startWorker))
  const key = await createKey(database.url)

  const call = (route: string, init: RequestInit = {}) =>
    fetch(`${url}${route}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } })

  return {
    url,
    key,
    dir,
    policies,
    database,
    call,
    /** The api first, then the workers. */
    processes: running,
    /** Of the workers, when PIXWARDEN_METRICS_PORT is 0. */
    metricsPorts,
    startWorker,
    /** Uploads raw bytes; `query` such as `?wait=30`. */
    async upload(bytes: Uint8Array, query = ''): Promise<{ status: number; body: UploadView & { code?: string } }> {
      const response = await call(`/v1/uploads${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: bytes,
      })
      return { status: response.status, body: (await response.json()) as UploadView & { code?: string } }
    },
    async decisionOf(id: string, timeoutMs = 30_000): Promise<Decision> {
      return waitFor(
        async () => {
          const body = (await (await call(`/v1/uploads/${id}`)).json()) as UploadView
          return body.status === 'decided' ? body : undefined
        },
        { timeoutMs, what: `a decision for ${id}` },
      )
    },
    async stop() {
      await Promise.all(running.map(stopProcess))
      await database.drop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export function sample(name: string): Promise<Buffer> {
  return readFile(path.join(SAMPLES, name))
}

/** What workers keep of a model is named by its content, and may be shared: not every service of a run needs to make it. */
async function shareModelCaches(dataDir: string): Promise<void> {
  const shared = process.env.TEST_MODEL_CACHES
  if (!shared) return
  for (const name of ['graphs', 'text-embeddings']) {
    const folder = path.join(shared, name)
    await mkdir(folder, { recursive: true })
    await symlink(folder, path.join(dataDir, name))
  }
}

type Started = { child: ChildProcess; port?: number; metricsPort?: number }

/** A process that is ready says so over IPC, with the ports that it took. */
async function startProcess(service: 'api' | 'worker', env: Record<string, string>): Promise<Started> {
  const child = fork(path.join(packageRoot, 'dist', 'services', service, 'main.js'), {
    env,
    stdio: ['ignore', process.env.TEST_LOGS ? 'inherit' : 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ child, ...(message as Omit<Started, 'child'>) }))
    child.once('exit', (code, signal) => reject(new Error(`the ${service} ended before it was ready: ${code ?? signal}`)))
  })
}

/** SIGTERM, as a deployment stops it; resolves to the exit code. */
export async function stopProcess(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

async function createKey(databaseUrl: string): Promise<string> {
  const database = openDatabase({ url: databaseUrl, schema: 'pixwarden', pool: 2, log: silentLogger() })
  try {
    const { secret } = await createPgApiKeyStore(database).create({ tenant: 'default', name: 'tests', scopes: [...SCOPES] })
    return secret
  } finally {
    await database.close()
  }
}
