import { z } from 'zod'
import { FEED_TYPES } from '../../core/domain/feed.ts'
import { json, problems } from './describe-responses.ts'

const ANY_TYPE = `(${FEED_TYPES.map((type) => type.replace('.', '\\.')).join('|')})`

const query = {
  types: z
    .string()
    .regex(new RegExp(`^${ANY_TYPE}(,${ANY_TYPE})*$`), `some of ${FEED_TYPES.join(', ')} are needed, with commas between`)
    .optional()
    .describe(`Only events of these types, with commas between: ${FEED_TYPES.map((type) => `\`${type}\``).join(', ')}.`),
  cursor: z.string().min(1).max(100).optional().describe('Only events after this place. Without it: those from now on.'),
}

const common = { tags: ['feed'] }
const refusals = problems({
  503: '`too-many-readers`, or the database is out of reach; Retry-After says when to try again',
})

export const followFeedSchema = {
  ...common,
  operationId: 'followFeed',
  summary: 'Events as they happen, as an event stream',
  description:
    'Each event has as `id` a cursor, as `event` its type, and as `data` the JSON that webhooks get: `{type, timestamp, data}`. Without a cursor the ' +
    'stream begins with the event `hello`, whose data is `{"cursor": …}`. Who comes back with the header `Last-Event-ID`, as browsers do, or with ' +
    '`cursor`, gets what was missed, each event once and in order; when some of that is gone, the event `reset` says so, with a new cursor, and what ' +
    'is known must be read again. Comments come when nothing else does for 15 s. The stream ends with its key or session, when its reader does not ' +
    'take what comes, and when the service stops: come back then.',
  querystring: z.strictObject(query),
  headers: z.looseObject({
    'last-event-id': z.string().max(100).optional().describe('The `id` of the last event that came. It goes before `cursor`.'),
  }),
  response: {
    200: { description: 'Events, for as long as the reader stays.', content: { 'text/event-stream': { schema: z.string() } } },
    ...refusals,
  },
}

const event = z
  .object({ cursor: z.string(), type: z.enum(FEED_TYPES), timestamp: z.iso.datetime(), data: z.record(z.string(), z.unknown()) })
  .meta({ id: 'FeedEvent' })

const page = z.object({
  items: z.array(event),
  next_cursor: z.string().describe('Where to go on, also when nothing came.'),
  reset: z.literal(true).optional().describe('Some of what followed the cursor is gone: what is known must be read again.'),
})

export const pollFeedSchema = {
  ...common,
  operationId: 'pollFeed',
  summary: 'The next events, waiting for some if there are none',
  description:
    'Ask again with `next_cursor`, and every event comes once and in order. Asked without a cursor it tells of what happens from now on.',
  querystring: z.strictObject({
    ...query,
    wait: z.coerce.number().min(0).max(30).default(0).describe('Seconds to wait for an event.'),
    limit: z.coerce.number().int().min(1).max(500).default(100),
  }),
  response: { 200: json('The next events; none when the time is up.', page), ...refusals },
}

export type FeedPageView = z.infer<typeof page>
