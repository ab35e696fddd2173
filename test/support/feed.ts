import { EventEmitter, once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { v7 as uuidv7 } from 'uuid'
import type { FeedType } from '../../services/core/domain/feed.ts'
import type { TestDatabase } from './postgres.ts'
import { waitFor } from './wait-for.ts'

/** An event of an event stream; `atMs` is by `performance.now()`. */
export type Heard = { id: string | undefined; event: string; data: { type: string; data: { n: number } }; atMs: number }

export type FeedReader = Awaited<ReturnType<typeof openFeed>>

/** `key` is an API key, or the cookie of a session. */
export type OpenFeedOptions = { key: string; query?: string; lastEventId?: string | undefined }

/** Reads /v1/feed on a connection of its own, as a browser would, but does not come back by itself. */
export async function openFeed(url: string, { key, query = '', lastEventId }: OpenFeedOptions) {
  const credentials = key.startsWith('pxw_session=') ? { cookie: key } : { authorization: `Bearer ${key}` }
  const headers = { ...credentials, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) }
  const sent = request(`${url}/v1/feed${query}`, { agent: false, headers })
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    sent.once('response', resolve).once('error', reject).end(),
  )
  const heard: Heard[] = []
  const arrivals = new EventEmitter()
  const reader = { comments: 0, ended: false, retryMs: undefined as number | undefined }
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (text: string) => {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() as string
    for (const block of blocks) take(block)
  })
  response.on('error', () => {})
  response.once('close', () => {
    reader.ended = true
  })
  sent.on('error', () => {})

  function take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => splitAtColon(line)))
    if (fields.has('')) reader.comments++
    if (fields.has('retry')) reader.retryMs = Number(fields.get('retry'))
    const data = fields.get('data')
    if (data === undefined) return
    heard.push({
      id: fields.get('id'),
      event: fields.get('event') ?? 'message',
      data: JSON.parse(data),
      atMs: performance.now(),
    })
    arrivals.emit('event')
  }

  async function hears(count: number, timeoutMs = 10_000): Promise<Heard[]> {
    const signal = AbortSignal.timeout(timeoutMs)
    while (heard.length < count)
      await once(arrivals, 'event', { signal }).catch(() => {
        throw new Error(`${heard.length} of ${count} events came in ${timeoutMs} ms`)
      })
    return heard
  }

  return {
    status: response.statusCode,
    headers: response.headers,
    heard,
    state: reader,
    response,
    /** The numbers of the events, as `writeEvents` gave them. */
    numbers: () => heard.filter(({ data }) => data.type !== undefined).map(({ data }) => data.data.n),
    /** As a browser remembers it. */
    lastEventId: () => heard.findLast(({ id }) => id !== undefined)?.id,
    hears,
    close: () => sent.destroy(),
  }
}

function splitAtColon(line: string): [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trimStart()]
}

export type NewEvents = { tenant?: string; type?: FeedType; padding?: string }

/** Writes an event for each of the numbers, in one statement. */
export async function writeEvents(
  database: Pick<TestDatabase, 'query'>,
  numbers: number[],
  { tenant = 'default', type = 'upload.decided', padding }: NewEvents = {},
): Promise<void> {
  const timestamp = new Date()
  const body = (n: number) => JSON.stringify({ type, timestamp: timestamp.toISOString(), data: { n, padding } })
  await database.query(
    `INSERT INTO pixwarden.events (id, tenant, type, body, created_at)
     SELECT event.id, $1, $2, event.body, $3 FROM unnest($4::uuid[], $5::text[]) AS event(id, body)`,
    [tenant, type, timestamp, numbers.map(() => uuidv7()), numbers.map(body)],
  )
}

const SETTLED = 'SELECT coalesce(bool_and(xid < pg_snapshot_xmin(pg_current_snapshot())), true) AS settled FROM pixwarden.events'

/** Until all events can be read: older transactions may be under way in other databases of the server, which tests share. */
export async function untilSettled(database: Pick<TestDatabase, 'query'>): Promise<void> {
  await waitFor(async () => (await database.query(SETTLED)).rows[0].settled, { what: 'older transactions to end' })
}
