import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { buildOverview, type Overview } from '../../core/domain/overview.ts'
import { OVERVIEW_WINDOWS, spanOf } from '../../core/domain/overview-span.ts'
import { MODES } from '../../core/domain/policy.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { shareReadings } from '../share-readings.ts'
import { json, problems } from './describe-responses.ts'
import { windowQuery } from './window-query.ts'

const MOST_KEPT = 200

const counts = { approve: z.number(), flag: z.number(), reject: z.number() }

const overviewSchema = z
  .object({
    window: z.enum(OVERVIEW_WINDOWS),
    from: z.iso.datetime().describe('The window begins with a whole bucket; buckets begin at multiples of their length (UTC).'),
    to: z.iso.datetime(),
    bucket_seconds: z.number(),
    sampled: z
      .boolean()
      .describe(
        'Some counts are estimates: of a slice of time with very many decisions the first ones were counted, and the rest taken to be like them.',
      ),
    totals: z.object({
      received: z.number(),
      decided: z.number(),
      ...counts,
      undecodable: z.number().describe('Flagged because they do not decode.'),
    }),
    pending: z.object({ count: z.number(), oldest_seconds: z.number().optional() }),
    throughput_per_minute: z.number().describe('Decisions, on average over the window.'),
    latency_ms: z
      .object({ p50: z.number().optional(), p95: z.number().optional(), p99: z.number().optional() })
      .describe('From arrival to decision, within 1 %; empty without decisions.'),
    reviews: z.object({
      open: z.number(),
      claimed: z.number(),
      oldest_seconds: z.number().optional().describe('Since the oldest was opened that is not resolved.'),
      resolved: z.number().describe('In the window, the newest 20,000 at most.'),
      upheld: z.number().describe('A person rejected what was flagged or rejected, or approved what was approved.'),
      overturned: z.number().describe('A person came to something else. What could not be judged counts for neither.'),
      median_handling_seconds: z.number().optional().describe('From the claim to the resolution.'),
    }),
    series: z.array(z.object({ at: z.iso.datetime(), ...counts })).describe('All uploads, by bucket.'),
    policies: z
      .array(
        z.object({
          id: z.string(),
          mode: z.enum(MODES).describe('At present; `off` for a policy that is gone.'),
          ...counts,
          series: z.array(z.object({ at: z.iso.datetime(), flag: z.number(), reject: z.number() })),
        }),
      )
      .describe('Verdicts of each policy, in shadow too. Those on erased uploads are gone.'),
  })
  .meta({ id: 'Overview' })

/** GET /v1/overview: what the service did, for a dashboard that asks again and again. */
export function overview({ insights, policies }: ApiContext): FastifyPluginAsyncZod {
  const readings = shareReadings<Overview>({ most: MOST_KEPT })

  return async (app) => {
    app.get(
      '/v1/overview',
      {
        config: { scopes: ['review'] },
        schema: {
          operationId: 'getOverview',
          tags: ['operation'],
          summary: 'Uploads, decisions and reviews of a window of time, in numbers',
          description:
            'Counted anew when the last numbers are older than half a second, or than twenty times what it took to count them.',
          querystring: z.strictObject({ window: windowQuery }),
          response: { 200: json('The numbers.', overviewSchema), ...problems({}) },
        },
      },
      async (request) => {
        const tenant = tenantOf(request)
        const { window } = request.query
        return readings(`${window} ${tenant}`, async () => {
          const modes = new Map(policies.current().map(({ id, mode }) => [id, mode]))
          const span = spanOf(window, new Date())
          return buildOverview(span, await insights.countOverview(tenant, span, [...modes.keys()]), modes)
        })
      },
    )
  }
}
