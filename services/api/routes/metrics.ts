import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ApiContext } from '../context.ts'
import { problems } from './describe-responses.ts'

/** GET /metrics, for admin keys: only where metrics have no port of their own. */
export function metricsRoute({ metrics: { registry } }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/metrics',
      {
        logLevel: 'warn',
        config: { scopes: ['admin'] },
        schema: {
          operationId: 'metrics',
          tags: ['operation'],
          summary: 'Metrics for Prometheus',
          response: {
            200: { description: 'Prometheus text format', content: { 'text/plain': { schema: z.string() } } },
            ...problems({}),
          },
        },
      },
      async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
    )
  }
}
