import { access, constants, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../core/domain/errors.ts'
import type { Config } from '../core/infra/config.ts'
import { HUGE_PAGES } from '../core/infra/huge-pages.ts'
import { Closers } from '../core/infra/lifecycle.ts'
import type { Logger } from '../core/infra/logger.ts'
import { packageRoot } from '../core/infra/package-root.ts'
import { type Runtime, removeRuntimeFile, writeRuntimeFile } from '../core/infra/runtime-file.ts'
import { type Env, forkService, type Service } from './child-service.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { keepRunning } from './keep-running.ts'
import { lockDataDir } from './lock-data-dir.ts'
import { checkPort, freePort, isPortFree } from './ports.ts'
import { until } from './until.ts'

export type StandaloneOptions = {
  config: Config
  /** What the api and the worker read their configuration from; the database and the port are added. */
  env: Env
  log: Logger
}

export type Standalone = {
  /**
   * Resolves when the api and the worker are ready; to undefined when `stop` came first.
   * Rejects, with nothing left running, when one of them does not start: AppError `invalid-config` when that is why.
   */
  start(): Promise<Runtime | undefined>
  /** The api and the worker first, then the database. May be called at any time. */
  stop(): Promise<void>
}

/** After their parent was killed. */
const CHILDREN_END_WITHIN_MS = 15_000

/** The whole service on one machine: an embedded PostgreSQL unless DATABASE_URL is set, one api and one worker. */
export function createStandalone(options: StandaloneOptions): Standalone {
  const closers = new Closers()
  const stopping = new AbortController()
  let starting: Promise<unknown> = Promise.resolve()

  const start = async () => {
    try {
      return await open(options, closers, stopping.signal)
    } catch (error) {
      await closers.close()
      if (stopping.signal.aborted) return undefined
      throw error
    }
  }
  return {
    start() {
      const started = start()
      starting = started
      return started
    },
    async stop() {
      stopping.abort()
      await closers.close()
      await starting.catch(() => {})
      await closers.close()
    },
  }
}

async function open({ config, env, log }: StandaloneOptions, closers: Closers, signal: AbortSignal): Promise<Runtime> {
  const { dataDir, host } = config
  await makeDataDir(dataDir)
  const lock = await lockDataDir(dataDir)
  closers.push(() => lock.release())
  const port = config.port || (await freePort(host))
  if (lock.inherited) await until(() => isPortFree(host, port), CHILDREN_END_WITHIN_MS)
  await checkPort(host, port)
  const databaseUrl = config.databaseUrl ?? (await openPostgres({ dataDir, log }, closers))
  signal.throwIfAborted()
  await openServices({ ...env, DATABASE_URL: databaseUrl, PORT: String(port) }, log, closers)
  const runtime = { pid: process.pid, databaseUrl, apiUrl: `http://${reachable(host)}:${port}` }
  await writeRuntimeFile(dataDir, runtime)
  closers.push(() => removeRuntimeFile(dataDir))
  signal.throwIfAborted()
  return runtime
}

async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true })
    await access(dataDir, constants.W_OK)
  } catch (cause) {
    throw new AppError('invalid-config', `PIXWARDEN_DATA_DIR cannot be written to: ${(cause as Error).message}`, { cause })
  }
}

async function openPostgres({ dataDir, log }: { dataDir: string; log: Logger }, closers: Closers): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir, log })
  const port = Number(new URL(postgres.url).port)
  const kept = keepRunning({
    name: 'postgres',
    running: postgres,
    restart: () => startEmbeddedPostgres({ dataDir, log, port }),
    log,
  })
  closers.push(() => kept.stop())
  return postgres.url
}

/** Both start and stop together; both end when one does not start. */
async function openServices(env: Env, log: Logger, closers: Closers): Promise<void> {
  const workerEnv = { ...HUGE_PAGES, ...env, PIXWARDEN_METRICS_PORT: portAfter(env.PIXWARDEN_METRICS_PORT) }
  const services = [serviceOf('api', env), serviceOf('worker', workerEnv)].map((service) => ({
    service,
    child: forkService(service),
  }))
  closers.push(() => Promise.all(services.map(({ child }) => child.stop())))
  await Promise.all(services.map(({ child }) => child.ready))
  const kept = services.map(({ service, child }) =>
    keepRunning({ name: service.name, running: child, restart: () => forkService(service), log }),
  )
  closers.push(() => Promise.all(kept.map((each) => each.stop())))
}

function serviceOf(name: 'api' | 'worker', env: Env): Service {
  return { name, env, main: path.join(packageRoot, 'dist', 'services', name, 'main.js') }
}

/** The api and the worker both serve metrics: on one machine they need a port each. */
function portAfter(port: string | undefined): string | undefined {
  return port && port !== '0' ? String(Number(port) + 1) : port
}

/** An address that means every interface is not one to connect to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
