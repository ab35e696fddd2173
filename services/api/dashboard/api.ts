import type { Signal } from '@preact/signals'
import type { SessionState } from './session-state.ts'

export type Query = Record<string, string | number | boolean | undefined>
export type CallOptions = {
  query?: Query
  signal?: AbortSignal /** The page may be closing: the request outlives it. */
  keepalive?: boolean
}

export type Api = {
  get<T>(path: string, options?: CallOptions): Promise<T>
  post<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>
  put<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>
  patch<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>
  delete(path: string, options?: CallOptions): Promise<void>
  blob(path: string, options?: CallOptions): Promise<Blob>
  /** When what outlives its page has been answered, or after two seconds. */
  settled(): Promise<void>
  /** Milliseconds since the epoch by the server's clock, to the second: leases and undoing go by it. */
  now(): number
}

/** A refusal of the service (RFC 9457), or `offline` when there was no answer. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly details: Record<string, unknown>
  readonly retryAfterMs: number | undefined

  constructor(status: number, code: string, message: string, details: Record<string, unknown> = {}, retryAfterMs?: number) {
    super(message)
    this.name = 'ApiProblem'
    this.status = status
    this.code = code
    this.details = details
    this.retryAfterMs = retryAfterMs
  }
}

export function hasProblem(error: unknown, ...codes: string[]): error is ApiProblem {
  return error instanceof ApiProblem && codes.includes(error.code)
}

const LONGEST_GOODBYE_MS = 2000

/** Calls `/v1` with the session's cookie and its token against forged requests. A 401 ends the session, unless there is none yet. */
export function createApi(session: Signal<SessionState>): Api {
  let clockOffsetMs = Number.NEGATIVE_INFINITY
  const outliving = new Set<Promise<unknown>>()

  const call = async (method: string, path: string, body: unknown, options: CallOptions): Promise<Response> => {
    const response = await fetch(`/v1${path}${queryText(options.query)}`, {
      method,
      headers: headersOf(method, body, session.peek()),
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(options.signal && { signal: options.signal }),
      keepalive: options.keepalive ?? false,
      credentials: 'same-origin',
      cache: 'no-store',
    }).catch((error: Error) => {
      if (error.name === 'AbortError') throw error
      throw new ApiProblem(0, 'offline', error.message)
    })
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) clockOffsetMs = closerOffset(clockOffsetMs, date - Date.now())
    if (response.ok) return response
    if (response.status === 401 && session.peek().kind === 'signed-in') session.value = { kind: 'signed-out', expired: true }
    const problem = await readProblem(response)
    if (problem.code === 'csrf' && method !== 'GET') await renewToken().catch(() => undefined)
    throw problem
  }
  /** Somebody has signed in anew in another tab: this one goes on as they, once it is asked again. */
  const renewToken = async () => {
    session.value = { kind: 'signed-in', session: await json('GET', '/session', undefined, {}) }
  }
  const json = async <T>(method: string, path: string, body: unknown, options: CallOptions): Promise<T> => {
    const response = await call(method, path, body, options)
    return (response.status === 204 ? undefined : await response.json()) as T
  }

  return {
    get: (path, options = {}) => json('GET', path, undefined, options),
    post(path, body, options = {}) {
      const answer = json<never>('POST', path, body, options)
      if (options.keepalive) {
        const over = answer.catch(() => undefined).finally(() => outliving.delete(over))
        outliving.add(over)
      }
      return answer
    },
    async settled() {
      // Pages that are going give back what they hold as they are taken down, which is soon.
      await new Promise((resolve) => setTimeout(resolve, 50))
      await Promise.race([Promise.all(outliving), new Promise((resolve) => setTimeout(resolve, LONGEST_GOODBYE_MS))])
    },
    put: (path, body, options = {}) => json('PUT', path, body, options),
    patch: (path, body, options = {}) => json('PATCH', path, body, options),
    delete: async (path, options = {}) => {
      await call('DELETE', path, undefined, options)
    },
    blob: async (path, options = {}) => (await call('GET', path, undefined, options)).blob(),
    now: () => Date.now() + (Number.isFinite(clockOffsetMs) ? clockOffsetMs : 0),
  }
}

/** A header's time is cut to the second and late by its way: of several, the largest is nearest. One that is far off tells of a clock that was set. */
function closerOffset(known: number, told: number): number {
  return Math.abs(told - known) > 2500 ? told : Math.max(known, told)
}

function headersOf(method: string, body: unknown, session: SessionState): Record<string, string> {
  return {
    accept: 'application/json',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(method !== 'GET' &&
      (session.kind === 'signed-in' || session.kind === 'signing-out') && { 'x-csrf-token': session.session.csrf_token }),
  }
}

/** `?a=1&b=2`; what is undefined or empty is left out. */
export function queryText(query: Query = {}): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}`
}

async function readProblem(response: Response): Promise<ApiProblem> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>
  const text = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined)
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  const message = text('detail') ?? text('title') ?? `${response.status} ${response.statusText}`
  const retryAfterMs = Number.isNaN(retryAfter) ? undefined : retryAfter * 1000
  return new ApiProblem(response.status, text('code') ?? 'internal', message, body, retryAfterMs)
}
