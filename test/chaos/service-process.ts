import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { packageRoot } from '../../services/core/infra/package-root.ts'

export type ServiceName = 'api' | 'worker'
export type ErrorLine = { service: ServiceName; pid: number; atMs: number; text: string }

export type ServiceProcess = {
  pid: number
  isRunning(): boolean
  /** Resolves to its exit code, null when the signal ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** Starts an api or a worker from dist/, as a deployment does; resolves when it is ready. What it logs as an error, or writes to stderr, goes to `onError`. */
export async function startServiceProcess(
  service: ServiceName,
  env: Record<string, string>,
  onError: (line: ErrorLine) => void,
): Promise<ServiceProcess> {
  const child = fork(path.join(packageRoot, 'dist', 'services', service, 'main.js'), {
    env: { ...env, LOG_LEVEL: 'error' },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const pid = child.pid ?? 0
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface(stream).on('line', (text) => onError({ service, pid, atMs: performance.now(), text }))
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', (code, signal) => reject(new Error(`the ${service} ended before it was ready: ${code ?? signal}`)))
  })
  return { pid, isRunning: () => isRunning(child), end: (signal) => end(child, signal) }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  if (!isRunning(child)) return child.exitCode
  child.kill(signal)
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}
