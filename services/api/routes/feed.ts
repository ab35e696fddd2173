import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { AppError } from '../../core/domain/errors.ts'
import { FEED_TYPES, type FeedType, formatCursor, parseCursor } from '../../core/domain/feed.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { endWhenNotAllowed } from '../feed/end-when-not-allowed.ts'
import { createEventStream } from '../feed/event-stream.ts'
import type { Beginning } from '../feed/feed-hub.ts'
import type { FeedItem } from '../feed/feed-item.ts'
import { nextEvents } from '../feed/next-events.ts'
import { whenGone } from '../when-gone.ts'
import { type FeedPageView, followFeedSchema, pollFeedSchema } from './feed-schema.ts'

/** While a reader catches up. */
const EVENTS_AT_ONCE = 100
/** After its stream has ended a reader comes back in a second at the earliest, and not with all others in the same moment. */
const RETRY_MS = { least: 1000, spread: 2000 }

/** GET /v1/feed and GET /v1/feed/poll: what happens, as it happens. */
export function readFeed({ feed, metrics }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/feed',
      { config: { scopes: ['review'] }, exposeHeadRoute: false, schema: followFeedSchema },
      async (request, reply) => {
        const { types, cursor } = request.query
        const place = request.headers['last-event-id'] || cursor
        const after = place === undefined ? undefined : parseCursor(place)
        const stream = createEventStream(reply, () => {
          metrics.feedDroppedReaders.inc()
          request.log.info('a reader of the feed did not take what came')
        })
        endWhenNotAllowed(stream, () => request.isStillAllowed())
        try {
          await feed.follow({
            tenant: tenantOf(request),
            types: typesOf(types),
            after,
            atOnce: EVENTS_AT_ONCE,
            begin: (how, position) => stream.open(beginningOf(how, formatCursor(position))),
            take: ({ frames }) => stream.send(frames),
            end: stream.end,
            gone: stream.gone,
          })
        } catch (error) {
          if (!stream.isOpen()) throw error
          request.log.warn({ err: error }, 'a reader of the feed has to come back')
          stream.end()
        }
        if (stream.isOpen()) return
        if (!reply.raw.destroyed) throw new AppError('too-many-readers', 'this process is closing')
        reply.hijack()
      },
    )

    app.get('/v1/feed/poll', { config: { scopes: ['review'] }, schema: pollFeedSchema }, async (request, reply) => {
      const { types, cursor, wait, limit } = request.query
      const { items, position, reset } = await nextEvents(feed, {
        tenant: tenantOf(request),
        types: typesOf(types),
        after: cursor === undefined ? undefined : parseCursor(cursor),
        waitMs: wait * 1000,
        limit,
        gone: whenGone(reply),
      })
      const next_cursor = formatCursor(position)
      return { items: items.map(showItem), next_cursor, ...(reset && { reset }) }
    })
  }
}

/** A browser that resumes knows where it is. */
function beginningOf(how: Beginning, cursor: string): string {
  const retry = `retry: ${RETRY_MS.least + Math.round(RETRY_MS.spread * Math.random())}\n`
  if (how === 'resumed') return `${retry}\n`
  return `${retry}id: ${cursor}\nevent: ${how === 'now' ? 'hello' : 'reset'}\ndata: ${JSON.stringify({ cursor })}\n\n`
}

function typesOf(list: string | undefined): readonly FeedType[] {
  return list === undefined ? FEED_TYPES : FEED_TYPES.filter((type) => list.split(',').includes(type))
}

function showItem({ cursor, body }: FeedItem): FeedPageView['items'][number] {
  return { cursor, ...JSON.parse(body) }
}
