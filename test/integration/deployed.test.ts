import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { freePort } from '../../services/standalone/ports.ts'
import { type Deployment, PROCESSES, readDeployment } from '../support/deployment.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { redisMissing, startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

type Started = { child: ChildProcess; env: Record<string, string>; said(): string }

/** The processes of compose.yaml, by the commands, the environment and the health checks written there; only addresses and folders are this machine's. */
describe.skipIf(redisMissing())('what deploy/ starts', () => {
  let deployment: Deployment
  let database: TestDatabase
  let redis: TestRedis
  let dir: string
  const started: Partial<Record<(typeof PROCESSES)[number], Started>> = {}

  beforeAll(async () => {
    deployment = await readDeployment()
    database = await createTestDatabase()
    redis = await startRedis()
    dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-deployed-'))
    for (const name of PROCESSES) started[name] = await start(name)
  })

  afterAll(async () => {
    for (const { child } of Object.values(started)) child.kill('SIGKILL')
    await redis?.stop()
    await database?.drop()
    await rm(dir, { recursive: true, force: true })
  })

  test('becomes healthy by its own health checks', async () => {
    for (const name of PROCESSES)
      await waitFor(() => isHealthy(name), {
        timeoutMs: 25_000,
        what: `${name} to be healthy; it said:\n${running(name).said()}`,
      })
  })

  test('decides an image that is sent with a key made inside of it', async () => {
    const { env } = running('api')
    const made = await run(['node', 'dist/services/cli/main.js', 'key', 'create', '--name', 'platform', '--scope', 'intake'], env)
    const key = /pxw_\S+/.exec(made.stdout)?.[0]
    const answer = await fetch(`http://127.0.0.1:${env.PORT}/v1/uploads?wait=20`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'image/jpeg' },
      body: await readFile(path.join(packageRoot, 'policies/samples/cat.jpg')),
    })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ status: 'decided', action: 'flag' })
  })

  test('shows Prometheus its metrics', async () => {
    for (const name of PROCESSES) {
      const answer = await fetch(`http://127.0.0.1:${running(name).env.PIXWARDEN_METRICS_PORT}/metrics`)
      expect(await answer.text()).toContain('pixwarden_')
    }
  })

  test('ends with 0 when it is told to stop', async () => {
    for (const name of PROCESSES) {
      const { child } = running(name)
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
    }
  })

  async function start(name: (typeof PROCESSES)[number]): Promise<Started> {
    const env = {
      ...deployment.environmentOf(name),
      PATH: process.env.PATH ?? '',
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      HOST: '127.0.0.1',
      PORT: String(await freePort('127.0.0.1')),
      PIXWARDEN_METRICS_PORT: String(await freePort('127.0.0.1')),
      PIXWARDEN_DATA_DIR: dir,
    }
    const [program, ...args] = deployment.service(name).command as [string, ...string[]]
    const child = spawn(program, args, { cwd: packageRoot, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk
      })
    return { child, env, said: () => said }
  }

  function running(name: (typeof PROCESSES)[number]): Started {
    const found = started[name]
    if (!found) throw new Error(`${name} was not started`)
    return found
  }

  async function isHealthy(name: (typeof PROCESSES)[number]): Promise<boolean> {
    const { env } = running(name)
    const command = deployment.healthcheckOf(name).map((part) => part.replace(':9464/', `:${env.PIXWARDEN_METRICS_PORT}/`))
    return (await run(command, env)).code === 0
  }
})

function run([program, ...args]: string[], env: Record<string, string>): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve) => {
    execFile(program as string, args, { cwd: packageRoot, env }, (error, stdout) =>
      resolve({ code: error ? Number(error.code) : 0, stdout }),
    )
  })
}
