import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../domain/errors.ts'
import type { HubBody, HubClient, KnownFile } from './hub-client.ts'
import { PassingProblem } from './hub-problems.ts'
import { type RetryPauses, withRetries } from './with-retries.ts'

export type WantedFile = KnownFile & { repo: string; commit: string; path: string }

export type DownloadOptions = {
  client: HubClient
  /** Told how many bytes of the file are there, which can become fewer. */
  onBytes: (there: number) => void
  pauses: RetryPauses
  signal?: AbortSignal | undefined
}

/** What is there after a check: SHA-256 in hex, size in bytes. */
export type DownloadedFile = { path: string; sha256: string; size: number }

/**
 * Brings one file to `dir`, under its path. What an earlier attempt left in `<file>.part` is gone on with; a file appears under its name only
 * once its size and digest are those that were asked for. Throws AppError `fetch-failed` or `storage-full`.
 */
export async function downloadFile(dir: string, file: WantedFile, options: DownloadOptions): Promise<DownloadedFile> {
  const target = path.join(dir, file.path)
  const part = `${target}.part`
  await mkdir(path.dirname(target), { recursive: true })
  const present = await checked(target, file).catch(() => undefined)
  if (present) {
    options.onBytes(present.size)
    return present
  }
  let wrong: string | undefined
  for (let attempt = 0; attempt < 2; attempt++) {
    const told = await withRetries(() => fetchRest(part, file, options), { ...options, progress: () => sizeOf(part) })
    try {
      const whole = await checked(part, withDefaults(file, told))
      await flushFile(part)
      await rename(part, target)
      await forget(part)
      return whole
    } catch (error) {
      wrong = (error as Error).message
      await forget(part)
    }
  }
  throw new AppError('fetch-failed', `${file.repo}/${file.path} arrived damaged, twice: ${wrong}`)
}

/** Resolves, to what the hub says of it, when the file is there to its last byte, whatever it holds. Bytes that came before a failure stay. */
async function fetchRest(part: string, file: WantedFile, { client, onBytes, signal }: DownloadOptions): Promise<KnownFile> {
  const have = await sizeOf(part)
  if (file.size !== undefined && have === file.size) {
    onBytes(have)
    return {}
  }
  const rest = have > 0 ? { from: have, validator: await readValidator(part) } : undefined
  const body = await client.open(file, rest, signal).catch(async (error) => {
    if (!(error instanceof RangeError)) throw error
    await forget(part)
    throw new PassingProblem(`${file.path} is another file by now`)
  })
  if (body.from !== 0 && body.from !== have) {
    await forget(part)
    throw new PassingProblem(`${file.path} was sent from the wrong place`)
  }
  await writeFile(validatorOf(part), body.validator ?? '')
  const limit = file.size ?? body.known.size ?? body.size
  const there = await append(part, body, file, limit, onBytes)
  if (limit !== undefined && there < limit) throw new PassingProblem(`${file.path} ended after ${there} of ${limit} bytes`)
  return body.known
}

/** What was known before goes first. */
function withDefaults(file: WantedFile, { size, sha256, gitSha1 }: KnownFile): WantedFile {
  return { ...file, size: file.size ?? size, sha256: file.sha256 ?? sha256, gitSha1: file.gitSha1 ?? gitSha1 }
}

/** Chunk by chunk, so that what arrived before the connection broke is on the disk. Gives the size of the part. */
async function append(
  part: string,
  { from, chunks }: HubBody,
  file: WantedFile,
  limit: number | undefined,
  onBytes: (there: number) => void,
): Promise<number> {
  const handle = await open(part, from === 0 ? 'w' : 'a')
  let there = from
  try {
    onBytes(there)
    for await (const chunk of arriving(chunks, file)) {
      there += chunk.length
      if (limit !== undefined && there > limit) throw new AppError('fetch-failed', `${file.path} is larger than ${limit} bytes`)
      await handle.appendFile(chunk)
      onBytes(there)
    }
    return there
  } finally {
    await handle.close()
  }
}

async function* arriving(chunks: AsyncIterable<Buffer>, { path }: WantedFile): AsyncIterable<Buffer> {
  try {
    yield* chunks
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AbortError') throw cause
    throw new PassingProblem(`the connection broke while ${path} came: ${(cause as Error).message}`, { cause })
  }
}

/** Reads the file again, from the disk, since that is what counts. Throws an Error that says what is not as it should be. */
export async function checked(at: string, { path, ...known }: KnownFile & { path: string }): Promise<DownloadedFile> {
  const size = await sizeOf(at)
  if (known.size !== undefined && size !== known.size) throw new Error(`it has ${size} bytes, not ${known.size}`)
  const sha256 = createHash('sha256')
  const blob = createHash('sha1').update(`blob ${size}\0`)
  await digest(at, known.sha256 === undefined && known.gitSha1 !== undefined ? [sha256, blob] : [sha256])
  const hex = sha256.digest('hex')
  if (known.sha256 !== undefined && hex !== known.sha256) throw new Error(`its SHA-256 is ${hex}, not ${known.sha256}`)
  if (known.sha256 === undefined && known.gitSha1 !== undefined && blob.digest('hex') !== known.gitSha1)
    throw new Error(`it is not the blob ${known.gitSha1}`)
  return { path, sha256: hex, size }
}

async function digest(at: string, hashes: Hash[]): Promise<void> {
  for await (const chunk of createReadStream(at, { highWaterMark: 1 << 20 })) for (const hash of hashes) hash.update(chunk)
}

async function sizeOf(at: string): Promise<number> {
  return stat(at).then(
    ({ size }) => size,
    () => 0,
  )
}

const validatorOf = (part: string) => `${part}.etag`

async function readValidator(part: string): Promise<string | undefined> {
  const text = await readFile(validatorOf(part), 'utf8').catch(() => '')
  return text === '' ? undefined : text
}

async function forget(part: string): Promise<void> {
  await Promise.all([rm(part, { force: true }), rm(validatorOf(part), { force: true })])
}

/** Makes what was written survive a power cut. */
async function flushFile(at: string): Promise<void> {
  const handle = await open(at, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
