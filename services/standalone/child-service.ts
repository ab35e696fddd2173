import { fork } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../core/domain/errors.ts'
import { EXIT_CONFIG } from '../core/infra/lifecycle.ts'

export type Env = Record<string, string | undefined>
export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type Service = { name: string; main: string; env: Env }

export type ChildService = {
  /** Resolves once the child says so by an IPC message `{type: 'ready'}`; rejects when it ends before. */
  ready: Promise<void>
  exited: Promise<Exit>
  /** SIGTERM, then SIGKILL for it and its children when it takes too long. */
  stop(): Promise<void>
}

/** Within our own 14 s, with time left for the database. */
const STOP_WITHIN_MS = 11_000

/** Forks a service out of reach of the terminal's Ctrl-C. Its log lines go where ours go; it ends by itself when we are gone. */
export function forkService({ name, main, env }: Service): ChildService {
  const child = fork(main, { env, detached: true, execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.on('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null })
    })
  })
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (message) => {
      if ((message as { type?: unknown } | null)?.type === 'ready') resolve()
    })
    exited.then((exit) => reject(notStarted(name, exit)), reject)
  })
  ready.catch(() => {})
  return {
    ready,
    exited,
    async stop() {
      child.kill('SIGTERM')
      const tooLong = pause(STOP_WITHIN_MS, 'too long', { ref: false })
      if ((await Promise.race([exited, tooLong])) === 'too long' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await exited
    },
  }
}

function notStarted(name: string, { code, signal }: Exit): Error {
  const message = `the ${name} did not start: it ended with ${signal ?? `exit code ${code}`}`
  return code === EXIT_CONFIG ? new AppError('invalid-config', message) : new Error(message)
}
