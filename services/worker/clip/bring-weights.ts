import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** At once. */
const COPIED_BYTES = 1_000_000

/** The files in which a graph keeps weights beside it, as the hub's exports name them: `vision_model.onnx_data`. */
export async function weightsBeside(graph: string): Promise<string[]> {
  const [dir, name] = [path.dirname(graph), path.basename(graph)]
  const names = (await readdir(dir)).filter((each) => each.startsWith(name) && each !== name)
  return names.map((each) => path.join(dir, each))
}

/**
 * Brings weights into another folder under their names, where a runtime that looks for them beside a graph finds them: by a link, so that they take no room, or by
 * a copy where the disk is another. What is there already is left when it is the same by its size and time.
 */
export async function bringWeights(weights: readonly string[], dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  for (const file of weights) {
    const there = path.join(dir, path.basename(file))
    if (!(await isSame(file, there))) await bring(file, there)
  }
}

async function bring(file: string, there: string): Promise<void> {
  const part = `${there}.${randomUUID()}`
  try {
    await link(file, part).catch(() => copy(file, part))
    await rename(part, there)
  } finally {
    // Also left by a rename of a link to what another worker has linked meanwhile.
    await rm(part, { force: true })
  }
}

async function copy(file: string, to: string): Promise<void> {
  const { atime, mtime } = await stat(file)
  // Not copyFile, which copies the mode too: what is read-only could not be flushed.
  await writeFile(to, createReadStream(file, { highWaterMark: COPIED_BYTES }), { flush: true })
  await utimes(to, atime, mtime)
}

async function isSame(file: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([stat(file), stat(other).catch(() => undefined)])
  return two !== undefined && one.size === two.size && Math.abs(one.mtimeMs - two.mtimeMs) < 1
}
