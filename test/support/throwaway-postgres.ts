import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { isRunning } from '../../services/core/infra/running-process.ts'
import { startEmbeddedPostgres } from '../../services/standalone/embedded-postgres.ts'
import { isServerOf, readPostmaster, stopPostmaster } from '../../services/standalone/postmaster.ts'
import { descendantsOf } from './descendants.ts'
import { killProcess } from './kill-process.ts'
import { waitFor } from './wait-for.ts'

const PREFIX = 'pixwarden-test-postgres-'
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '400' }
/** What it has committed outlives its death. */
const DURABLE = { max_connections: '400' }

export type ThrowawayPostgres = {
  url: string
  /** SIGKILL for all of the server's processes; resolves when they are gone. */
  kill(): Promise<void>
  /** After `kill`: resolves when it takes connections again, at the same URL. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** An embedded server for tests: gone with its data after `stop`, and fast unless it is to be killed. */
export async function startThrowawayPostgres({ durable = false } = {}): Promise<ThrowawayPostgres> {
  await removeAbandoned()
  const dataDir = await mkdtemp(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`))
  await chmod(dataDir, 0o711)
  const start = (port?: number) =>
    startEmbeddedPostgres({ dataDir, port, settings: durable ? DURABLE : FAST, log: silentLogger() })
  let server = await start()
  return {
    url: server.url,
    async kill() {
      const pids = [server.pid, ...descendantsOf(server.pid)]
      for (const pid of pids) killProcess(pid)
      await waitFor(() => !pids.some(isRunning), { what: 'the server to be gone' })
    },
    async restart() {
      server = await start(Number(new URL(server.url).port))
    },
    async stop() {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A run that was killed could not stop its server. */
async function removeAbandoned(): Promise<void> {
  const names = (await readdir(os.tmpdir())).filter((name) => name.startsWith(PREFIX))
  for (const name of names.filter((each) => !isRunning(Number(each.slice(PREFIX.length).split('-')[0])))) {
    const dataDir = path.join(os.tmpdir(), name)
    const clusterDir = path.join(dataDir, 'postgres', 'data')
    const left = await readPostmaster(clusterDir)
    if (left && isServerOf(clusterDir, left)) await stopPostmaster(left.pid)
    await rm(dataDir, { recursive: true, force: true }).catch(() => {})
  }
}
