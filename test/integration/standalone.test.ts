import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { commandOf, isRunning } from '../../services/core/infra/running-process.ts'
import { type Runtime, readRuntimeFile } from '../../services/core/infra/runtime-file.ts'
import { freePort } from '../../services/standalone/ports.ts'
import { descendantsOf } from '../support/descendants.ts'
import { waitFor } from '../support/wait-for.ts'

const EXIT_CONFIG = 78

let dataDir: string
const started: Instance[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'standalone-'))
  await chmod(dataDir, 0o711)
})

afterEach(() => Promise.all(started.splice(0).map((instance) => instance.end())))

afterAll(() => rm(dataDir, { recursive: true, force: true }))

describe('the standalone service', () => {
  test('runs api, worker and database, and says where; Ctrl-C stops them all, once even if npm repeats it', async () => {
    const instance = start()
    const runtime = await instance.ready()
    expect(runtime.pid).toBe(instance.child.pid)
    expect((await fetch(`${runtime.apiUrl}/readyz`)).status).toBe(200)
    expect((await stat(path.join(dataDir, 'runtime.json'))).mode & 0o777).toBe(0o600)
    const processes = instance.processes()
    const commands = processes.map(({ command }) => command).join('\n')
    for (const part of ['api/main.js', 'worker/main.js', 'bin/postgres']) expect(commands).toContain(part)

    if (process.platform === 'linux') {
      const worker = processes.find(({ command }) => command.includes('worker/main.js'))
      expect(await readFile(`/proc/${worker?.pid}/environ`, 'utf8')).toContain('GLIBC_TUNABLES=glibc.malloc.hugetlb=1')
    }

    const stoppedAt = performance.now()
    interruptGroup(instance.child)
    interruptGroup(instance.child)
    expect(await instance.exit()).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(15_000)
    expect(processes.filter(({ pid }) => isRunning(pid))).toEqual([])
    expect(await readRuntimeFile(dataDir)).toBeUndefined()
    expect(instance.said()).not.toMatch(/"level":[56]0/)
  })

  test('works again after it was killed with SIGKILL, and its api and worker end by themselves', async () => {
    const port = await freePort('127.0.0.1')
    const killed = start({ PORT: String(port) })
    await killed.ready()
    const services = killed.processes().filter(({ command }) => command.includes('main.js'))
    killed.child.kill('SIGKILL')
    await killed.exit()

    const next = start({ PORT: String(port) })
    const { apiUrl } = await next.ready()
    expect((await fetch(`${apiUrl}/readyz`)).status).toBe(200)
    await waitFor(() => services.every(({ pid }) => !isRunning(pid)), { timeoutMs: 15_000, what: 'the old services to end' })
    expect(services.length).toBeGreaterThanOrEqual(2)
  })

  test('starts a killed worker, api or database again', async () => {
    const instance = start()
    const { apiUrl } = await instance.ready()
    for (const part of ['worker/main.js', 'api/main.js', 'bin/postgres']) {
      const pid = instance.processes().find(({ command }) => command.includes(part))?.pid
      if (!pid) throw new Error(`there is no ${part} to kill`)
      process.kill(pid, 'SIGKILL')
      await waitFor(() => instance.processes().some((each) => each.command.includes(part) && each.pid !== pid), {
        timeoutMs: 20_000,
        what: `another ${part}`,
      })
      await waitFor(async () => (await fetch(`${apiUrl}/readyz`)).status === 200, { timeoutMs: 20_000, what: 'readiness' })
    }
    interruptGroup(instance.child)
    expect(await instance.exit()).toBe(0)
  }, 60_000)

  test('refuses a data directory that another one uses, which goes on', async () => {
    const first = start()
    const { apiUrl } = await first.ready()
    const second = start()
    expect(await second.exit()).toBe(EXIT_CONFIG)
    expect(second.said()).toContain(`in use by process ${first.child.pid}`)
    expect((await fetch(`${apiUrl}/readyz`)).status).toBe(200)
    expect((await readRuntimeFile(dataDir))?.pid).toBe(first.child.pid)
  })

  test('says so when its port is taken, and leaves nothing running', async () => {
    const squatter = await listen()
    try {
      const { port } = squatter.address() as { port: number }
      const instance = start({ PORT: String(port) })
      expect(await instance.exit()).toBe(EXIT_CONFIG)
      expect(instance.said()).toContain(`port ${port} of 127.0.0.1 is in use`)
      await expect(access(path.join(dataDir, 'standalone.lock'))).rejects.toThrow()
    } finally {
      squatter.close()
    }
  })

  test('ends with what it started when a service does not start', async () => {
    const instance = start({ PIXWARDEN_POLICIES: path.join(dataDir, 'nowhere') })
    expect(await instance.exit()).toBe(EXIT_CONFIG)
    expect(instance.said()).toContain('nowhere')
    const postmaster = await readFile(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').catch(() => undefined)
    expect(postmaster).toBeUndefined()
  })

  test('stops at once when it is interrupted before it is ready', async () => {
    const instance = start()
    await waitFor(() => instance.processes().some(({ command }) => command.includes('main.js')), { what: 'the first service' })
    const processes = instance.processes()
    interruptGroup(instance.child)
    expect(await instance.exit()).toBe(0)
    expect(processes.filter(({ pid }) => isRunning(pid))).toEqual([])
  })
})

describe('npm run demo', () => {
  test('decides every sample photo, prints the table and exits 0', async () => {
    const demo = start({ LOG_LEVEL: undefined }, ['standalone/demo.js', '--exit'])
    const code = await demo.exit()
    const table = demo.said()
    expect(code, table).toBe(0)
    expect(table).toMatch(/^file +action +policy +rule +score +ms$/m)
    expect(table).toMatch(/^cat\.jpg +flag +live-animals /m)
    expect(table).toMatch(/^coffee\.jpg +approve /m)
    expect(table).not.toContain('"level"')
  })

  test('ends with an address that opens the dashboard signed in, once, with what was flagged waiting', async () => {
    const demo = start({ LOG_LEVEL: undefined }, ['standalone/demo.js'])
    const address = () => /^Dashboard {2}(\S+)\/dashboard\/#link=(\S+)$/m.exec(demo.said())
    const [, url = '', link] = await waitFor(address, { timeoutMs: 45_000, what: 'the address' })
    expect((await fetch(`${url}/dashboard/`)).status).toBe(200)
    const signIn = () =>
      fetch(`${url}/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ link }),
      })
    const signedIn = await signIn()
    expect(await signedIn.json()).toMatchObject({ scopes: ['admin'], name: 'demo' })
    const [cookie = ''] = signedIn.headers.getSetCookie()[0]?.split(';') ?? []
    const reviews = await fetch(`${url}/v1/reviews?state=open`, { headers: { cookie } })
    expect(((await reviews.json()) as { items: unknown[] }).items.length).toBeGreaterThan(0)
    expect((await signIn()).status).toBe(401)
    interruptGroup(demo.child)
    expect(await demo.exit()).toBe(0)
  }, 60_000)
})

type Instance = {
  child: ChildProcess
  said(): string
  /** Resolves to the exit code. */
  exit(): Promise<number | null>
  ready(): Promise<Runtime>
  /** All it has started, by itself or through others. */
  processes(): { pid: number; command: string }[]
  end(): Promise<void>
}

/** Starts what `npm start` starts, in a process group of its own as a terminal would. */
function start(env: Record<string, string | undefined> = {}, [main = 'standalone/main.js', ...args]: string[] = []): Instance {
  const child = spawn(process.execPath, [path.join(packageRoot, 'dist/services', main), ...args], {
    env: { PATH: process.env.PATH, PORT: '0', PIXWARDEN_DATA_DIR: dataDir, PIXWARDEN_TUNE: 'off', ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const instance: Instance = {
    child,
    said: () => output,
    exit: () => exited,
    async ready(): Promise<Runtime> {
      const isReady = async () => {
        if (child.exitCode !== null) return 'ended' as const
        const runtime = await readRuntimeFile(dataDir)
        return runtime?.pid === child.pid && runtime
      }
      const runtime = await waitFor(isReady, { timeoutMs: 25_000, what: 'runtime.json' })
      if (runtime === 'ended') throw new Error(output)
      return runtime
    },
    processes: () => (child.pid ? descendantsOf(child.pid) : []).map((pid) => ({ pid, command: commandOf(pid) })),
    async end() {
      child.kill('SIGTERM')
      await exited
      await stopLeftServer()
    },
  }
  started.push(instance)
  return instance
}

/** After a SIGKILL without a next start, the database is left. */
async function stopLeftServer(): Promise<void> {
  const text = await readFile(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!pid || !isRunning(pid)) return
  process.kill(pid, 'SIGQUIT')
  await waitFor(() => !isRunning(pid), { what: 'the server to end' })
}

/** What a terminal does at Ctrl-C. */
function interruptGroup({ pid }: ChildProcess): void {
  if (pid) process.kill(-pid, 'SIGINT')
}

async function listen(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
