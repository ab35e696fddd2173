import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, statfs, unlink } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { validate as isUuid } from 'uuid'
import { AppError } from '../domain/errors.ts'
import { isTenant } from '../domain/tenant.ts'
import type { BlobStore, StoredBlob } from './blob-store.ts'

/** Beside the tenants' folders, and so in the same file system: no tenant's name begins with a dot. */
const INCOMING = '.incoming'

/** No upload takes this long: its process must have died. */
const ABANDONED_MS = 3_600_000

/** Blobs as files, readable to this user only: `dir/tenant/…/upload-id`. */
export function createFsBlobStore({ dir }: { dir: string }): BlobStore {
  const folders = folderMaker(dir)
  let prepared: Promise<void> | undefined

  const prepare = () => {
    prepared ??= sweep(path.join(dir, INCOMING)).catch((error: unknown) => {
      prepared = undefined
      throw error
    })
    return prepared
  }

  return {
    async put(key, source) {
      const file = fileOf(dir, key)
      let written = path.join(dir, INCOMING, randomUUID())
      try {
        await prepare()
        await writeFile(written, source)
        await folders.make(path.dirname(file))
        await rename(written, file).catch(async (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error
          // Somebody has removed a folder that is remembered.
          folders.forget()
          await folders.make(path.dirname(file))
          await rename(written, file)
        })
        written = file
        await syncFolder(path.dirname(file))
      } catch (error) {
        await rm(written, { force: true }).catch(() => {})
        throw asStorageError(error)
      }
    },

    withFile: async (key, use) => use(fileOf(dir, key)),

    async read(key) {
      const handle = await open(fileOf(dir, key)).catch(missing)
      return handle.createReadStream()
    },

    async delete(key) {
      // Not rm, which looks before it deletes.
      await unlink(fileOf(dir, key)).catch(absent)
    },

    async freeBytes() {
      await prepare()
      const { bavail, bsize } = await statfs(dir)
      return bavail * bsize
    },

    list: () => listBlobs(dir),
  }
}

/** When it fails, nothing is written any more: a file that is still being opened would come to be after it was deleted. */
async function writeFile(file: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const stream = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true })
  try {
    await pipeline(source, stream)
  } catch (error) {
    if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', () => resolve()))
    throw error
  }
}

/** The last digits of an id, which are random, spread the files over 256 folders. Throws RangeError for a key that is not `tenant/upload-id`. */
function fileOf(dir: string, key: string): string {
  const [tenant = '', id = '', ...rest] = key.split('/')
  if (!isTenant(tenant) || !isUuid(id) || rest.length > 0) throw new RangeError(`not the key of a blob: ${JSON.stringify(key)}`)
  return path.join(dir, tenant, id.slice(-2), id)
}

/** Folder by folder, each read at once: none is held open while the caller is at work. */
async function* listBlobs(dir: string): AsyncGenerator<StoredBlob> {
  for (const tenant of (await namesIn(dir)).filter(isTenant)) {
    for (const folder of await namesIn(path.join(dir, tenant))) {
      for (const id of (await namesIn(path.join(dir, tenant, folder))).filter(isUuid)) {
        const found = await stat(path.join(dir, tenant, folder, id)).catch(absent)
        if (found) yield { key: `${tenant}/${id}`, modifiedAt: found.mtime }
      }
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(absent)) ?? []
}

/** What was deleted meanwhile, or is no folder. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}

/** Makes the folder of incoming files, and empties it of those that nobody writes any more. */
async function sweep(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name)
    const age = Date.now() - (await stat(file).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (age > ABANDONED_MS) await rm(file, { force: true })
  }
}

const MOST_REMEMBERED = 10_000

/** Makes folders under `dir` that outlast a power cut. Each is synced once, even one that exists: another process may have made it just now. */
function folderMaker(dir: string) {
  const durable = new Set<string>()
  return {
    async make(folder: string): Promise<void> {
      if (durable.has(folder)) return
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (let at = folder; at !== dir && at !== path.dirname(at); at = path.dirname(at)) await syncFolder(path.dirname(at))
      if (durable.size >= MOST_REMEMBERED) durable.clear()
      durable.add(folder)
    },
    forget: () => durable.clear(),
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function asStorageError(error: unknown): unknown {
  const { code } = error as { code?: unknown }
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new AppError('storage-full', 'there is no room for the image', { cause: error })
}

function missing(error: unknown): never {
  if ((error as { code?: unknown }).code !== 'ENOENT') throw error
  throw new AppError('not-found', 'the image is not kept any more', { cause: error })
}
