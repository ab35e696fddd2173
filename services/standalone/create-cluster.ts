import { randomBytes } from 'node:crypto'
import { access, chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../core/domain/errors.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import type { PostgresHome } from './postgres-home.ts'
import { type Account, runAs } from './server-account.ts'

export const SUPERUSER = 'pixwarden'

export type ClusterOptions = { home: PostgresHome; binaries: PostgresBinaries; account: Account; durable: boolean }

/** Makes the cluster with initdb unless it is there, whole or not at all. Resolves to the password of its superuser. */
export async function createCluster({ home, binaries, account, durable }: ClusterOptions): Promise<string> {
  if (await exists(path.join(home.clusterDir, 'PG_VERSION'))) return readFile(home.passwordFile, 'utf8')
  await removeUnfinished(home)
  const password = randomBytes(24).toString('base64url')
  await writeFile(home.passwordFile, password, { mode: 0o600 })
  const making = `${home.clusterDir}.${process.pid}`
  await mkdir(making, { mode: 0o700 })
  if (account) for (const file of [home.passwordFile, making]) await chown(file, account.uid, account.gid)
  const { ok, output } = await runAs(account, binaries.initdb, [
    ...['-D', making, '-U', SUPERUSER, `--pwfile=${home.passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C', '--set=timezone=UTC', '--set=log_timezone=UTC', '--no-instructions'],
    ...(durable ? [] : ['--no-sync']),
  ])
  if (!ok) throw initdbError(output)
  await rename(making, home.clusterDir)
  await syncFolder(home.dir)
  return password
}

function initdbError(output: string): Error {
  if (!output.includes('could not look up effective user')) return new Error(`initdb failed:\n${output}`)
  return new AppError(
    'invalid-config',
    `PostgreSQL needs a user with a name: list this one in /etc/passwd, or set DATABASE_URL\n${output}`,
  )
}

/** What an initdb that was killed has left. */
async function removeUnfinished(home: PostgresHome): Promise<void> {
  const prefix = path.basename(home.clusterDir)
  const left = (await readdir(home.dir)).filter((name) => name.startsWith(prefix))
  for (const name of [...left, path.basename(home.passwordFile)])
    await rm(path.join(home.dir, name), { recursive: true, force: true })
}

/** Makes what was renamed in a folder outlive a power cut. */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
