import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ErrorCode } from '../../core/domain/errors.ts'

/** A regular file, `named` on the command line or found in a folder; or what could not be looked at. */
export type Found =
  | { kind: 'file'; file: string; named: boolean }
  | { kind: 'unreadable'; file: string; code: ErrorCode; message: string }

type Entry = { file: string; named: boolean; isFile: boolean }

/**
 * Walks `paths` in their order, and folders in the order of their names. Hidden entries of folders are left out. Links are followed,
 * but a folder is walked only once, however it is reached. What is neither file nor folder counts as unreadable when it is named, else as absent.
 */
export async function* findFiles(paths: string[]): AsyncGenerator<Found> {
  const walked = new Set<string>()
  for (const named of paths) {
    const stack: Entry[] = [{ file: named, named: true, isFile: false }]
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      const { file, named, isFile } = entry
      if (isFile) yield { kind: 'file', file, named }
      else {
        const found = await look(entry, walked)
        if (Array.isArray(found)) stack.push(...found.reverse())
        else if (found) yield found
      }
    }
  }
}

/** What an entry is: a file, what is in it when it is a folder, or nothing that counts. */
async function look({ file, named }: Entry, walked: Set<string>): Promise<Found | Entry[] | undefined> {
  try {
    const stats = await stat(file)
    if (stats.isFile()) return { kind: 'file', file, named }
    if (!stats.isDirectory())
      return named
        ? { kind: 'unreadable', file, code: 'unsupported-media-type', message: 'neither a file nor a folder' }
        : undefined
    const identity = `${stats.dev}:${stats.ino}`
    if (walked.has(identity)) return undefined
    walked.add(identity)
    return await entriesOf(file)
  } catch (error) {
    return named || !isMissing(error) ? unreadable(file, error) : undefined
  }
}

async function entriesOf(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => ({ file: path.join(folder, entry.name), named: false, isFile: entry.isFile() }))
}

export function unreadable(file: string, error: unknown): Found & { kind: 'unreadable' } {
  const code = isMissing(error) ? 'not-found' : (error as NodeJS.ErrnoException).code === 'EACCES' ? 'forbidden' : 'internal'
  return { kind: 'unreadable', file, code, message: (error as Error).message }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
