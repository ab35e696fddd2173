import { fork } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { takeFileLock } from '../../core/infra/file-lock.ts'
import type { Model } from './open-model.ts'
import { type OpenVisionOptions, openVision, outcomeFor } from './open-vision.ts'
import type { VisionSession } from './vision-session.ts'

/** What the process that compares is told, over IPC. */
export type Comparing = { model: Model; options: OpenVisionOptions }

/**
 * As `openVision`, but it has another process edit and compare graphs when that is yet to be done: it takes four times the memory of the model's weights, which
 * this process would hold for as long as it lives. When nothing came of it, the graph runs as it came until the next start.
 */
export async function openCompared(model: Model, { graphDir, ...options }: OpenVisionOptions): Promise<VisionSession> {
  if (graphDir === undefined) return openVision(model, options)
  const { graph, isThere } = await outcomeFor(model, graphDir, options)
  if (!isThere()) await inTurn(graph, async () => isThere() || compareElsewhere({ model, options: { ...options, graphDir } }))
  return openVision(model, isThere() ? { ...options, graphDir } : options)
}

/** One after the other: those that start together would need the memory, and the room for weights from another disk, as often. */
async function inTurn(graph: string, work: () => Promise<unknown>): Promise<void> {
  await mkdir(path.dirname(graph), { recursive: true }).catch(() => {})
  // Without one where the disk knows no links.
  const lock = await takeFileLock(`${graph}.lock`).catch(() => undefined)
  try {
    await work()
  } finally {
    await lock?.release()
  }
}

/** Resolves when the process has ended, however it did. */
async function compareElsewhere(comparing: Comparing): Promise<void> {
  const child = fork(path.join(import.meta.dirname, 'compare-process.js'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    execArgv: [],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  child.send(comparing, () => {})
  await ended
}
