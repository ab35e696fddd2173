import { type Dispatcher, request } from 'undici'
import { hasCode } from '../../core/domain/errors.ts'
import { parseRetryAfter } from '../../core/domain/retry-after.ts'
import type { AttemptReport } from '../../core/infra/delivery-queue.ts'
import { webhookHeaders } from '../../core/infra/webhook-signature.ts'

/** `secrets` are those that are valid now. */
export type Message = { url: string; id: string; body: string; secrets: readonly Buffer[] }

export type SendOptions = {
  /** Guarded: see `createGuardedDispatcher`. */
  outbound: Dispatcher
  /** From the lookup of the name to the status. */
  timeoutMs: number
  /** Ends the attempt without a result. */
  signal: AbortSignal
}

export type Attempt = AttemptReport & { retryAfterMs?: number | undefined }

const HEADERS = { 'content-type': 'application/json', 'user-agent': 'pixwarden-webhooks' }
/** What a receiver says is of use only when it is short and comes at once; a connection that has more to say is closed. */
const BODY_BYTES = 4096
const BODY_WAIT_MS = 1000
const EXCERPT_CHARACTERS = 200
const TIMEOUTS = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT']

/** Posts a message once, signed as of now. Whatever goes wrong is part of the result; rejects only when `signal` aborts. */
export async function sendWebhook(message: Message, { outbound, timeoutMs, signal }: SendOptions): Promise<Attempt> {
  const startedAt = performance.now()
  const ending = new AbortController()
  const end = () => ending.abort()
  const timer = setTimeout(end, timeoutMs)
  signal.addEventListener('abort', end)
  const durationMs = () => performance.now() - startedAt
  try {
    const response = await post(message, outbound, ending.signal)
    return { ...(await readAnswer(response)), durationMs: durationMs() }
  } catch (error) {
    signal.throwIfAborted()
    return { error: explain(error, timeoutMs), durationMs: durationMs() }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

function post(
  { url, id, body, secrets }: Message,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const bytes = Buffer.from(body)
  const signed = webhookHeaders({ id, timestampSeconds: Math.floor(Date.now() / 1000), body: bytes }, secrets)
  return request(url, { dispatcher, method: 'POST', headers: { ...HEADERS, ...signed }, body: bytes, signal })
}

async function readAnswer({ statusCode: status, headers, body }: Dispatcher.ResponseData): Promise<Omit<Attempt, 'durationMs'>> {
  const response = await beginningOf(body)
  if (status >= 200 && status < 300) return { status }
  const retryAfter = headers['retry-after']
  return {
    status,
    ...(status < 400 && { error: 'redirects are not followed' }),
    ...(response && { response }),
    ...(typeof retryAfter === 'string' && { retryAfterMs: parseRetryAfter(retryAfter, new Date()) }),
  }
}

/** Text that can be stored and shown in a line. */
async function beginningOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  const timer = setTimeout(() => body.destroy(), BODY_WAIT_MS)
  try {
    let byteSize = 0
    for await (const chunk of body) {
      chunks.push(chunk)
      byteSize += chunk.length
      if (byteSize >= BODY_BYTES) break
    }
  } catch {
    // The status has been told; what came of the rest will do.
  } finally {
    clearTimeout(timer)
  }
  const text = Buffer.concat(chunks)
    .subarray(0, BODY_BYTES)
    .toString()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
  return [...text].slice(0, EXCERPT_CHARACTERS).join('')
}

/** Says nothing about addresses inside. */
function explain(error: unknown, timeoutMs: number): string {
  if (hasCode(error, 'forbidden-target')) return error.message
  const { code, name } = error as NodeJS.ErrnoException
  if (name === 'AbortError' || TIMEOUTS.includes(code ?? '')) return `no answer within ${Math.round(timeoutMs)} ms`
  return `the connection failed: ${code ?? name}`
}
