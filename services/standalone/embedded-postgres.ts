import { spawn } from 'node:child_process'
import { mkdir, open, readFile, realpath, rename, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import type { Logger } from '../core/infra/logger.ts'
import { isRunning } from '../core/infra/running-process.ts'
import { createCluster, SUPERUSER } from './create-cluster.ts'
import { freePort } from './ports.ts'
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { findPostgresHome, type PostgresHome } from './postgres-home.ts'
import { disownPidFile, isServerOf, readPostmaster, stopPostmaster } from './postmaster.ts'
import { type Account, serverAccount } from './server-account.ts'
import { until } from './until.ts'

export type EmbeddedPostgresOptions = {
  /** PIXWARDEN_DATA_DIR: the server lives in it, or in a place that belongs to it. */
  dataDir: string
  log: Logger
  /** A free one unless given. A server that is adopted keeps its own. */
  port?: number | undefined
  /** Settings of postgresql.conf. `fsync: 'off'` is for tests: what is committed may then be lost. */
  settings?: Record<string, string>
}

export type EmbeddedPostgres = {
  url: string
  pid: number
  /** Resolves when the server has ended, asked to or not. */
  exited: Promise<void>
  /** Closes all connections and stops the server, whoever started it. */
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
/** Recovery after a crash can take a while. */
const READY_WITHIN_MS = 60_000
const START_ATTEMPTS = 3
const MODEST = {
  max_connections: '100',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  io_method: 'sync',
  log_checkpoints: 'off',
}

type Server = { home: PostgresHome; binaries: PostgresBinaries; account: Account; password: string; log: Logger }
type Running = { pid: number; port: number; exited: Promise<void> }

/**
 * Starts the PostgreSQL of `dataDir`, or adopts the one that a killed process has left running. It listens on 127.0.0.1 only,
 * for its password only, in a process group of its own, and outlives us unless `stop` is called.
 * Throws AppError `invalid-config` when no server can run here.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, settings = {} } = options
  await mkdir(options.dataDir, { recursive: true })
  // A server is known by the path on its command line.
  const dataDir = await realpath(options.dataDir)
  const account = serverAccount()
  const home = await findPostgresHome(dataDir, account)
  const binaries = await findPostgresBinaries({ account, homeDir: home.dir })
  const password = await createCluster({ home, binaries, account, durable: settings.fsync !== 'off' })
  const server = { home, binaries, account, password, log }
  const { pid, port, exited } = (await adopt(server)) ?? (await start(server, { ...MODEST, ...settings }, options.port))
  return { url: urlOf(server, port), pid, exited, stop: () => stopPostmaster(pid) }
}

function urlOf({ password }: Server, port: number): string {
  return `postgres://${SUPERUSER}:${password}@${HOST}:${port}/postgres`
}

/** The server that is there already, or undefined when none is left. One that does not answer, or whose programs are gone, is stopped. */
async function adopt(server: Server): Promise<Running | undefined> {
  const { clusterDir } = server.home
  const found = await readPostmaster(clusterDir)
  if (!found) return undefined
  if (!isServerOf(clusterDir, found)) {
    await disownPidFile(clusterDir)
    return undefined
  }
  const { pid } = found
  await until(async () => !isRunning(pid) || (await readPostmaster(clusterDir))?.status === 'ready', READY_WITHIN_MS)
  const port = (await readPostmaster(clusterDir))?.port
  if (port && (await answers(server, port))) {
    server.log.info({ postgres: { pid, port } }, 'adopted the PostgreSQL that was left running')
    return { pid, port, exited: endOf(pid) }
  }
  await stopPostmaster(pid)
  return undefined
}

/** Whether a server takes our password and runs the programs that are installed: without its files it would fail later. */
async function answers(server: Server, port: number): Promise<boolean> {
  const client = new Client({ connectionString: urlOf(server, port), connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('SELECT pg_postmaster_start_time() AS started')
    return rows[0].started > (await stat(server.binaries.postgres)).ctime
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

async function start(server: Server, settings: Record<string, string>, wantedPort: number | undefined): Promise<Running> {
  for (let attempt = 1; ; attempt++) {
    const port = wantedPort ?? (await freePort(HOST))
    const { pid, exited, hasExited } = await launch(server, { ...settings, port: String(port) })
    const isReady = async () => {
      const postmaster = await readPostmaster(server.home.clusterDir)
      return postmaster?.pid === pid && postmaster.status === 'ready'
    }
    await until(async () => hasExited() || (await isReady()), READY_WITHIN_MS)
    if (await isReady()) return { pid, port, exited }
    await stopPostmaster(pid)
    const said = await readFile(server.home.logFile, 'utf8')
    // Somebody else may take a port between our look and the server's.
    if (wantedPort !== undefined || attempt === START_ATTEMPTS || !said.includes('could not bind'))
      throw new Error(`PostgreSQL did not start:\n${said}`)
  }
}

type Launched = { pid: number; exited: Promise<void>; hasExited(): boolean }

async function launch({ binaries, home, account }: Server, settings: Record<string, string>): Promise<Launched> {
  await rename(home.logFile, `${home.logFile}.old`).catch(() => {})
  const log = await open(home.logFile, 'w', 0o600)
  const flags = Object.entries({ ...settings, listen_addresses: HOST, unix_socket_directories: '' })
  const args = ['-D', home.clusterDir, ...flags.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  try {
    const child = spawn(binaries.postgres, args, {
      ...account,
      cwd: '/',
      env: { LC_ALL: 'C' },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid as number)).once('error', reject)
    })
    child.unref()
    const hasExited = () => child.exitCode !== null || child.signalCode !== null
    const exited = new Promise<void>((resolve) => (hasExited() ? resolve() : child.once('exit', () => resolve())))
    return { pid, exited, hasExited }
  } finally {
    await log.close()
  }
}

/** Resolves when a process that is not our child has ended. */
async function endOf(pid: number): Promise<void> {
  while (isRunning(pid)) await pause(500, undefined, { ref: false })
}
