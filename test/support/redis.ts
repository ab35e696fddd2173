import { execFileSync, spawn } from 'node:child_process'
import os from 'node:os'
import { Redis } from 'ioredis'
import { freePort } from '../../services/standalone/ports.ts'

export type TestRedis = {
  url: string
  port: number
  pid: number
  /** Forgets everything, as a Redis without persistence does when it restarts. */
  flush(): Promise<void>
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Whether tests on Redis are to be skipped, for want of redis-server, and says so. With REQUIRE_REDIS=1 they are to fail instead. */
export function redisMissing(): boolean {
  if (process.env.REQUIRE_REDIS === '1') return false
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    console.warn('SKIPPED: there is no redis-server on this machine; the tests that need it do not run')
    return true
  }
}

/** Starts a Redis that keeps nothing on disk. Later `args` win over these, such as `--appendonly yes --dir …`. */
export async function startRedis({ port, args = [] }: { port?: number; args?: string[] } = {}): Promise<TestRedis> {
  const listening = port ?? (await freePort('127.0.0.1'))
  const settings = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']
  const child = spawn('redis-server', ['--port', String(listening), '--bind', '127.0.0.1', ...settings, ...args], {
    cwd: os.tmpdir(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('Ready to accept connections')) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`redis-server did not start:\n${said}`)))
  })
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
  }
  return {
    url: `redis://127.0.0.1:${listening}`,
    port: listening,
    pid: child.pid ?? 0,
    flush: () => flush(listening),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

async function flush(port: number): Promise<void> {
  const client = new Redis({ port, host: '127.0.0.1' })
  await client.flushall()
  await client.quit()
}
