import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFsBlobStore } from '../../services/core/infra/fs-blob-store.ts'
import { skipLoudly } from '../support/skip-loudly.ts'

describe('a blob', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-blobs-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const bytes = Buffer.from('some image')
  const newKey = () => `default/${uuidv7()}`
  async function* inChunks(...chunks: (string | Error)[]) {
    for (const chunk of chunks) {
      if (chunk instanceof Error) throw chunk
      yield Buffer.from(chunk)
    }
  }
  const files = async (folder = dir) =>
    (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())

  test('is there for whoever reads it or lends it as a file, until it is deleted', async () => {
    const blobs = createFsBlobStore({ dir })
    const [key, other] = [newKey(), newKey()]
    await blobs.put(key, inChunks('some ', 'image'))
    await blobs.put(other, inChunks(''))
    expect(await buffer(await blobs.read(key))).toEqual(bytes)
    expect(await blobs.withFile(key, (file) => readFile(file))).toEqual(bytes)
    expect(await buffer(await createFsBlobStore({ dir }).read(key))).toEqual(bytes)
    await blobs.delete(key)
    await blobs.delete(key)
    await expect(blobs.read(key)).rejects.toMatchObject({ code: 'not-found' })
    await expect(blobs.withFile(key, (file) => readFile(file))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await blobs.withFile(other, (file) => readFile(file))).toHaveLength(0)
  })

  test('finds a place after somebody has removed the folders', async () => {
    const blobs = createFsBlobStore({ dir })
    const key = newKey()
    await blobs.put(key, inChunks('some image'))
    await rm(path.join(dir, 'default'), { recursive: true })
    await blobs.put(key, inChunks('some image'))
    expect(await buffer(await blobs.read(key))).toEqual(bytes)
  })

  test('is readable to nobody else', async () => {
    const blobs = createFsBlobStore({ dir: path.join(dir, 'new', 'blobs') })
    const key = newKey()
    await blobs.put(key, inChunks('x'))
    await blobs.withFile(key, async (file) => {
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700)
    })
  })

  test('is not there before it is whole', async () => {
    const blobs = createFsBlobStore({ dir })
    const key = newKey()
    await blobs.put(
      key,
      (async function* () {
        yield Buffer.from('half')
        await expect(blobs.read(key)).rejects.toMatchObject({ code: 'not-found' })
        yield Buffer.from('whole')
      })(),
    )
    expect(await blobs.withFile(key, (file) => readFile(file, 'utf8'))).toBe('halfwhole')
  })

  test('whose source fails leaves nothing, and the error is the source’s', async () => {
    const blobs = createFsBlobStore({ dir })
    const failure = new Error('the client went away')
    await expect(blobs.put(newKey(), inChunks('half', failure))).rejects.toBe(failure)
    await expect(blobs.put(newKey(), inChunks(failure))).rejects.toBe(failure)
    expect(await files()).toEqual([])
    // Some fail before their file is open.
    for (let i = 0; i < 500; i++) await expect(blobs.put(newKey(), inChunks(failure))).rejects.toBe(failure)
    expect(await files()).toEqual([])
  })

  test.each([
    '../x',
    'default/../../etc/passwd',
    'default',
    '/etc/passwd',
    `..//${uuidv7()}`,
    `a/b/${uuidv7()}`,
    `../${uuidv7()}`,
  ])('is never at %j', async (key) => {
    const blobs = createFsBlobStore({ dir })
    await expect(blobs.put(key, inChunks('x'))).rejects.toThrow(RangeError)
    await expect(blobs.read(key)).rejects.toThrow(RangeError)
    await expect(blobs.delete(key)).rejects.toThrow(RangeError)
    await expect(blobs.withFile(key, async () => {})).rejects.toThrow(RangeError)
  })

  test('that was half written when its process died is swept away an hour later', async () => {
    const incoming = path.join(dir, '.incoming')
    await mkdir(incoming)
    const [old, fresh] = [path.join(incoming, 'old'), path.join(incoming, 'fresh')]
    await writeFile(old, 'half')
    await writeFile(fresh, 'half')
    await utimes(old, new Date(), new Date(Date.now() - 3_700_000))
    await createFsBlobStore({ dir }).put(newKey(), inChunks('x'))
    expect(await readdir(incoming)).toEqual(['fresh'])
  })

  test('may be one of many that are written at once', async () => {
    const blobs = createFsBlobStore({ dir })
    const keys = Array.from({ length: 100 }, newKey)
    await Promise.all(keys.map((key) => blobs.put(key, inChunks(key))))
    const read = await Promise.all(keys.map((key) => blobs.withFile(key, (file) => readFile(file, 'utf8'))))
    expect(read).toEqual(keys)
    expect(await readdir(path.join(dir, '.incoming'))).toEqual([])
  })

  test.skipIf(skipLoudly('a full disk', smallDiskProblem()))('for which there is no room leaves nothing', async () => {
    await withSmallDisk(dir, async () => {
      const blobs = createFsBlobStore({ dir })
      const kept = newKey()
      await blobs.put(kept, inChunks('x'))
      await expect(blobs.put(newKey(), inChunks('x'.repeat(2_000_000)))).rejects.toMatchObject({ code: 'storage-full' })
      expect(await files()).toHaveLength(1)
      expect(await buffer(await blobs.read(kept))).toEqual(Buffer.from('x'))
    })
  })
})

function smallDiskProblem(): string | undefined {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', os.tmpdir()], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'this user may not mount a small file system'
  }
}

async function withSmallDisk(dir: string, work: () => Promise<void>): Promise<void> {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir])
  try {
    await work()
  } finally {
    execFileSync('umount', ['-l', dir])
  }
}
