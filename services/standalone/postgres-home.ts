import { createHash } from 'node:crypto'
import { access, chmod, lstat, mkdir, realpath, rmdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { AppError } from '../core/domain/errors.ts'
import { type Account, runAs } from './server-account.ts'

/** Where an embedded server keeps its things. Nobody but its user and us can read the cluster or the password. */
export type PostgresHome = {
  dir: string
  clusterDir: string
  passwordFile: string
  logFile: string
}

/**
 * The home that belongs to `dataDir`: inside it, unless `account` cannot get there (a tree in /root), then in a place of the
 * system's whose name follows from `dataDir`. A home with a cluster in it is found again, wherever it is.
 * Throws AppError `invalid-config` when no place will do.
 */
export async function findPostgresHome(dataDir: string, account: Account): Promise<PostgresHome> {
  const places = await placesFor(dataDir, account)
  const settled = await Promise.all(places.map((place) => exists(path.join(home(place).clusterDir, 'PG_VERSION'))))
  const choice = settled.includes(true) ? places.filter((_, index) => settled[index]) : places
  const problems: string[] = []
  for (const place of choice) {
    const problem = await prepare(place, account)
    if (!problem) return home(place)
    problems.push(`  ${place}: ${problem}`)
  }
  throw new AppError(
    'invalid-config',
    `PostgreSQL's data has no place; set PIXWARDEN_DATA_DIR or DATABASE_URL:\n${problems.join('\n')}`,
  )
}

function home(dir: string): PostgresHome {
  return {
    dir,
    clusterDir: path.join(dir, 'data'),
    passwordFile: path.join(dir, 'password'),
    logFile: path.join(dir, 'server.log'),
  }
}

async function placesFor(dataDir: string, account: Account): Promise<string[]> {
  const inside = path.join(dataDir, 'postgres')
  if (!account) return [inside]
  const name = `pixwarden-${createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex')
    .slice(0, 16)}`
  return [inside, path.join('/var/lib', name), path.join(os.tmpdir(), name)]
}

/** Makes the folder. Resolves to what speaks against it, if anything. */
async function prepare(dir: string, account: Account): Promise<string | undefined> {
  const mode = account ? 0o711 : 0o700
  try {
    await mkdir(dir, { recursive: true, mode })
    // In a folder that anyone may write to, somebody else may have made it before us.
    const found = await lstat(dir)
    if (found.uid !== process.getuid?.()) return `it belongs to another user (${found.uid})`
    if (found.mode & 0o022) return 'others may write to it'
    await chmod(dir, mode)
    if (!account || (await runAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', dir])).ok) return undefined
    await rmdir(dir).catch(() => {})
    return `the user ${account.uid}, as whom PostgreSQL runs instead of root, cannot get there`
  } catch (error) {
    return (error as Error).message
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
