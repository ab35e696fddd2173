import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { packageRoot } from '../../services/core/infra/package-root.ts'

export type CliOptions = {
  /** Nothing else of this process's environment but PATH reaches the command. */
  env?: Record<string, string>
  cwd?: string
}
export type CliRun = { code: number | null; stdout: string; stderr: string }

/** The compiled command. */
export const MAIN = path.join(packageRoot, 'dist', 'services', 'cli', 'main.js')

/** Starts the real `pixwarden`, with its stdout and stderr in pipes. */
export function startCli(args: string[], { env = {}, cwd }: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs the real `pixwarden` to its end. */
export async function runCli(args: string[], options: CliOptions = {}): Promise<CliRun> {
  const child = startCli(args, options)
  const [stdout, stderr, [code]] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}

async function textOf(stream: ChildProcess['stdout']): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
