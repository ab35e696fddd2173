import { type Dispatcher, request } from 'undici'
import { AppError, type AppErrorOptions, hasCode } from '../../core/domain/errors.ts'
import type { TargetRules } from '../../core/infra/address-rules.ts'
import { checkTargetUrl } from '../../core/infra/guarded-url.ts'
import { tooLarge } from './receive-image.ts'

export type FetchOptions = {
  dispatcher: Dispatcher
  rules: TargetRules
  maxUploadBytes: number
  /** For everything, from the first connection to the last byte. */
  timeoutMs: number
  /** Aborts the fetch: nobody waits for it any more. */
  signal: AbortSignal
}

const MAX_REDIRECTS = 3
const REDIRECTS = [301, 302, 303, 307, 308]
const HEADERS = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'pixwarden' }
const TIMEOUTS = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']

/**
 * Fetches an image and hands its bytes to `receive` as they come. At most 3 redirects are followed, each checked as the first URL was.
 * Throws AppError `invalid-request` or `forbidden-target` (see `checkTargetUrl`), `payload-too-large`, `fetch-failed` with a `reason`
 * (status, redirect, timeout, connection), and what `receive` throws.
 */
export async function fetchImage<T>(
  text: string,
  receive: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
  options: FetchOptions,
): Promise<T> {
  const { dispatcher, rules, maxUploadBytes, timeoutMs } = options
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)])
  let url = checkTargetUrl(text, rules)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const { statusCode, headers, body } = await get(url, { dispatcher, signal })
    try {
      if (statusCode === 200) {
        if (Number(headers['content-length']) > maxUploadBytes) throw tooLarge(maxUploadBytes)
        return await receive(bytesOf(body, maxUploadBytes))
      }
      url = redirectTarget(statusCode, headers.location, url, rules)
    } finally {
      // What was not read by now is not wanted, and its connection not worth keeping.
      body.on('error', () => {}).destroy()
    }
  }
  throw fetchFailed('redirect', `it redirects more than ${MAX_REDIRECTS} times`)
}

async function get(url: URL, options: { dispatcher: Dispatcher; signal: AbortSignal }): Promise<Dispatcher.ResponseData> {
  try {
    return await request(url, { ...options, headers: HEADERS })
  } catch (error) {
    throw asProblem(error)
  }
}

async function* bytesOf(body: AsyncIterable<Uint8Array>, maxUploadBytes: number): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? tooLarge(maxUploadBytes) : asProblem(error)
  }
}

function redirectTarget(statusCode: number, location: string | string[] | undefined, from: URL, rules: TargetRules): URL {
  if (!REDIRECTS.includes(statusCode))
    throw fetchFailed('status', `its server answered ${statusCode}`, { details: { remote_status: statusCode } })
  if (typeof location !== 'string' || !URL.canParse(location, from.href)) throw fetchFailed('redirect', 'it redirects to nowhere')
  try {
    return checkTargetUrl(new URL(location, from).href, rules)
  } catch (error) {
    if (!hasCode(error, 'invalid-request')) throw error
    throw fetchFailed('redirect', `its server redirects, and ${error.message}`)
  }
}

/** What exactly went wrong on the way is for the log. */
function asProblem(cause: unknown): AppError {
  if (hasCode(cause, 'forbidden-target')) return cause
  const tooSlow = (cause as Error).name === 'TimeoutError' || TIMEOUTS.includes(codeOf(cause))
  return tooSlow
    ? fetchFailed('timeout', 'its server is too slow', { cause })
    : fetchFailed('connection', 'the connection to its server failed', { cause })
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

function fetchFailed(reason: string, message: string, { cause, details }: AppErrorOptions = {}): AppError {
  return new AppError('fetch-failed', `the image was not fetched: ${message}`, { cause, details: { reason, ...details } })
}
