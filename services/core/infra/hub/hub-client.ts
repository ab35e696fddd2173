import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { everyChunk } from './every-chunk.ts'
import { refusal, unreachable } from './hub-problems.ts'
import type { HubSettings } from './hub-settings.ts'

/** What the hub says of a repository at one commit. */
export type RepoListing = {
  commit: string
  files: Map<string, KnownFile>
}

/** `gitSha1` is of git's blob, which is what the hub knows of small files. */
export type KnownFile = { size?: number | undefined; sha256?: string | undefined; gitSha1?: string | undefined }

/** A body from `from` on: not where it was asked to begin, when the server knows no ranges or has another file by now. */
export type HubBody = {
  from: number
  /** Of the whole file, where the server says it. */
  size: number | undefined
  /** A strong ETag, with which the rest can be asked for. */
  validator: string | undefined
  /** What the hub itself said of the file before it sent us elsewhere. */
  known: KnownFile
  chunks: AsyncIterable<Buffer>
}

export type HubClient = {
  /** Throws AppError `fetch-failed`. */
  list(repo: string, revision: string, signal?: AbortSignal): Promise<RepoListing>
  /** Throws AppError `fetch-failed`, or `RangeError` when the file is not longer than `from`. */
  open(file: { repo: string; commit: string; path: string }, rest?: Rest, signal?: AbortSignal): Promise<HubBody>
  /** Breaks what is still under way. */
  close(): Promise<void>
}

type Answer = { response: Dispatcher.ResponseData; first: Dispatcher.ResponseData['headers'] }

export type Rest = { from: number; validator: string | undefined }

const MAX_REDIRECTS = 5
const CONNECT_MS = 15_000
const SILENCE_MS = 30_000

const listing = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().optional(),
      blobId: z.string().optional(),
      lfs: z.object({ sha256: z.string(), size: z.number() }).nullish(),
    }),
  ),
})

/** Speaks the routes of huggingface.co and of mirrors of it. The token is for the endpoint's own origin: redirects lead to other hosts. */
export function createHubClient({ endpoint, token, proxy }: HubSettings): HubClient {
  const dispatcher = dispatcherFor(proxy)
  const origin = new URL(endpoint).origin

  async function get(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Answer> {
    let at = new URL(url)
    let first: Dispatcher.ResponseData['headers'] | undefined
    for (let redirects = 0; ; redirects++) {
      const authorization = token !== undefined && at.origin === origin ? { authorization: `Bearer ${token}` } : {}
      const response = await request(at, {
        dispatcher,
        headers: { 'user-agent': 'pixwarden', 'accept-encoding': 'identity', ...headers, ...authorization },
        ...(signal && { signal }),
      }).catch((cause) => {
        throw unreachable(at, cause)
      })
      first ??= response.headers
      const { location } = response.headers
      if (response.statusCode < 300 || response.statusCode > 399 || response.statusCode === 304 || typeof location !== 'string')
        return { response, first }
      await response.body.dump()
      if (redirects === MAX_REDIRECTS) throw new AppError('fetch-failed', `${url} redirects without end`)
      const next = new URL(location, at)
      if (at.protocol === 'https:' && next.protocol !== 'https:')
        throw new AppError('fetch-failed', `${url} redirects to ${next.origin}, which is not encrypted`)
      at = next
    }
  }

  return {
    async list(repo, revision, signal) {
      const url = `${endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`
      const { response } = await get(url, {}, signal)
      if (response.statusCode !== 200) throw await refusal(response, { repo, revision, endpoint })
      const parsed = listing.safeParse(await response.body.json().catch(() => undefined))
      if (!parsed.success) throw new AppError('fetch-failed', `${url} does not answer as the hub does`)
      return toListing(parsed.data)
    },
    async open({ repo, commit, path }, rest, signal) {
      const url = `${endpoint}/${repo}/resolve/${encodeURIComponent(commit)}/${path.split('/').map(encodeURIComponent).join('/')}`
      const { response, first } = await get(url, rest ? rangeHeaders(rest) : {}, signal)
      if (response.statusCode === 416) {
        await response.body.dump()
        throw new RangeError(`${path} is not longer than ${rest?.from}`)
      }
      if (response.statusCode !== 200 && response.statusCode !== 206)
        throw await refusal(response, { repo, revision: commit, path, endpoint })
      return { ...toBody(response), known: toKnown(first) }
    },
    close: () => dispatcher.destroy(),
  }
}

function dispatcherFor({ http, https, none }: HubSettings['proxy']): Dispatcher {
  const options = { connect: { timeout: CONNECT_MS }, headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS }
  if (http === undefined && https === undefined) return new Agent(options)
  return new EnvHttpProxyAgent({ ...options, httpProxy: http ?? '', httpsProxy: https ?? '', noProxy: none ?? '' })
}

/** A weak ETag is no use to If-Range (RFC 9110, section 13.1.5). */
function rangeHeaders({ from, validator }: Rest): Record<string, string> {
  return { range: `bytes=${from}-`, ...(validator !== undefined && { 'if-range': validator }) }
}

function toListing({ sha, siblings }: z.infer<typeof listing>): RepoListing {
  const files = siblings.map(({ rfilename, size, blobId, lfs }): [string, KnownFile] => [
    rfilename,
    lfs ? { size: lfs.size, sha256: lfs.sha256 } : { size, gitSha1: blobId },
  ])
  return { commit: sha, files: new Map(files) }
}

/** The ETag of a large file is its SHA-256; of a small one, its blob's SHA-1, which other servers' tags may only look like. */
function toKnown(headers: Dispatcher.ResponseData['headers']): KnownFile {
  const tag = (name: string) => /^"?([0-9a-f]+)"?$/.exec(String(headers[name] ?? ''))?.[1]
  const linked = tag('x-linked-etag')
  if (linked?.length === 64) return { sha256: linked, size: Number(headers['x-linked-size']) || undefined }
  const blob = headers['x-repo-commit'] === undefined ? undefined : tag('etag')
  return blob?.length === 40 ? { gitSha1: blob } : {}
}

function toBody({ statusCode, headers, body }: Dispatcher.ResponseData): Omit<HubBody, 'known'> {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(String(headers['content-range'] ?? ''))
  const length = Number(headers['content-length'] ?? Number.NaN)
  const whole = statusCode === 206 ? Number(range?.[2]) : length
  const etag = typeof headers.etag === 'string' && !headers.etag.startsWith('W/') ? headers.etag : undefined
  return {
    from: statusCode === 206 ? Number(range?.[1] ?? Number.NaN) : 0,
    size: Number.isSafeInteger(whole) ? whole : undefined,
    validator: etag,
    chunks: everyChunk(body),
  }
}
