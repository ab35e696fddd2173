import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { commandOf, isRunning } from '../core/infra/running-process.ts'
import { until } from './until.ts'

/** What a server says of itself in postmaster.pid. `ready` once it takes connections. */
export type Postmaster = { pid: number; port: number; status: string }

const STOP_WITHIN_MS = 8000

export async function readPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const text = await readPidFile(clusterDir)
  const lines = text.split('\n').map((line) => line.trim())
  return text ? { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7] ?? '' } : undefined
}

/** Whether the server of this cluster runs: the id in its file may be somebody else's by now. */
export function isServerOf(clusterDir: string, { pid }: Postmaster): boolean {
  return isRunning(pid) && commandOf(pid).includes(`-D ${clusterDir} `)
}

/**
 * Lets a server start though postmaster.pid names a process that runs: some other, since a reboot or in a new container. With
 * its parent's id there, a server takes the file for stale, and still checks for shared memory in use by the old one's children.
 */
export async function disownPidFile(clusterDir: string): Promise<void> {
  const text = await readPidFile(clusterDir)
  if (text) await writeFile(pidFile(clusterDir), text.replace(/^-?\d+/, String(process.pid)))
}

/** A fast shutdown: what runs is rolled back, connections are closed, the log is flushed. Resolves when the process is gone. */
export async function stopPostmaster(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!isRunning(pid)) return
    process.kill(pid, signal)
    if (await until(() => !isRunning(pid), STOP_WITHIN_MS)) return
  }
}

function readPidFile(clusterDir: string): Promise<string> {
  return readFile(pidFile(clusterDir), 'utf8').catch(() => '')
}

function pidFile(clusterDir: string): string {
  return path.join(clusterDir, 'postmaster.pid')
}
