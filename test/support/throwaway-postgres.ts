import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { startEmbeddedPostgres } from '../../services/standalone/embedded-postgres.ts'
import { isServerOf, readPostmaster, stopPostmaster } from '../../services/standalone/postmaster.ts'
import { isRunning } from '../../services/standalone/running-process.ts'

const PREFIX = 'pixwarden-test-postgres-'
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '400' }

/** An embedded server for tests: fast, and gone with its data after `stop`. */
export async function startThrowawayPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  await removeAbandoned()
  const dataDir = await mkdtemp(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`))
  await chmod(dataDir, 0o711)
  const server = await startEmbeddedPostgres({ dataDir, settings: FAST, log: silentLogger() })
  return {
    url: server.url,
    stop: async () => {
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
