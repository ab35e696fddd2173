import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'

export type Answer = {
  /** Undefined when there was none: the connection was refused, or broke. */
  status: number | undefined
  /** Of the upload, when it is in. */
  id: string | undefined
  code: string | undefined
  retryAfterMs: number
  startedAtMs: number
  ms: number
}

export type UploadOptions = { key?: string; externalId?: string | undefined }

export type Client = ReturnType<typeof createClient>

const CONNECTIONS = 128
const TIMEOUT_MS = 30_000

/** A platform that uploads raw images over connections that it keeps. */
export function createClient({ url, key }: { url: string; key: string }) {
  const pool = new Pool(url, { connections: CONNECTIONS, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'image/jpeg' }

  async function upload(body: Uint8Array, { key: idempotencyKey, externalId }: UploadOptions = {}): Promise<Answer> {
    const startedAtMs = performance.now()
    const done = (rest: Partial<Answer>): Answer => ({
      status: undefined,
      id: undefined,
      code: undefined,
      retryAfterMs: 500,
      startedAtMs,
      ms: performance.now() - startedAtMs,
      ...rest,
    })
    try {
      const {
        statusCode,
        headers: given,
        body: answer,
      } = await pool.request({
        method: 'POST',
        path: `/v1/uploads${externalId === undefined ? '' : `?external_id=${externalId}`}`,
        headers: idempotencyKey === undefined ? headers : { ...headers, 'idempotency-key': idempotencyKey },
        body,
      })
      const { id, code } = (await answer.json()) as { id?: string; code?: string }
      return done({ status: statusCode, id, code, retryAfterMs: 1000 * Number(given['retry-after'] ?? 0.5) })
    } catch {
      return done({})
    }
  }

  return {
    url,
    key,
    upload,

    /** Asks again, with the same key, until the upload is in. Every answer is told to `onAnswer`. */
    async insist(body: Uint8Array, options: UploadOptions, onAnswer: (answer: Answer) => void): Promise<string> {
      for (;;) {
        const answer = await upload(body, options)
        onAnswer(answer)
        if (answer.id !== undefined) return answer.id
        // Between once and twice as long as told, so that those who were refused together do not come back together.
        await pause(answer.retryAfterMs * (1 + Math.random()))
      }
    },

    /** What /readyz says: ready, degraded or unready. */
    async readiness(): Promise<string> {
      const { body } = await pool.request({ method: 'GET', path: '/readyz' })
      return ((await body.json()) as { status: string }).status
    },

    async post<T>(path: string, json: unknown): Promise<T> {
      const { body, statusCode } = await pool.request({
        method: 'POST',
        path,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(json),
      })
      if (statusCode >= 300) throw new Error(`${path} was answered ${statusCode}: ${await body.text()}`)
      return (await body.json()) as T
    },

    close: () => pool.destroy(),
  }
}
