import path from 'node:path'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { formatProblem } from '../../core/infra/policy-loader.ts'
import type { ApiContext } from '../context.ts'
import { json } from './describe-responses.ts'

const CHECK_WITHIN_MS = 2000

const readiness = z.object({
  status: z.enum(['ready', 'degraded', 'unready']),
  database: z.enum(['up', 'down']),
  queue: z.enum(['up', 'down']).describe('Without it uploads are accepted, and decided later.'),
  policies: z.object({
    active: z.number(),
    problems: z.array(z.string()).describe('Why the last change was refused; the last good set is active.'),
  }),
})

/** GET /healthz: the process is alive. GET /readyz: it can accept uploads. */
export function health({ checkDatabase, queue, policies }: ApiContext): FastifyPluginAsyncZod {
  const check = async (): Promise<z.infer<typeof readiness>> => {
    const [database, jobs] = await Promise.all([isUp(checkDatabase), isUp(() => queue.counts())])
    const problems = policies.problems().map((problem) => formatProblem({ ...problem, file: path.basename(problem.file) }))
    const degraded = jobs === 'down' || problems.length > 0
    return {
      status: database === 'down' ? 'unready' : degraded ? 'degraded' : 'ready',
      database,
      queue: jobs,
      policies: { active: policies.current().length, problems },
    }
  }
  let checking: ReturnType<typeof check> | undefined

  return async (app) => {
    app.get(
      '/healthz',
      {
        logLevel: 'warn',
        schema: {
          operationId: 'health',
          tags: ['operation'],
          summary: 'The process is alive',
          response: { 200: json('Alive.', z.object({ status: z.literal('ok') })) },
        },
      },
      async () => ({ status: 'ok' as const }),
    )

    app.get(
      '/readyz',
      {
        logLevel: 'warn',
        schema: {
          operationId: 'readiness',
          tags: ['operation'],
          summary: 'Uploads can be accepted',
          response: { 200: json('Ready, perhaps with less than everything.', readiness), 503: json('Not ready.', readiness) },
        },
      },
      async (_request, reply) => {
        checking ??= check().finally(() => {
          checking = undefined
        })
        const found = await checking
        return reply.code(found.status === 'unready' ? 503 : 200).send(found)
      },
    )
  }
}

async function isUp(ask: () => Promise<unknown>): Promise<'up' | 'down'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'down'>((resolve) => {
    timer = setTimeout(resolve, CHECK_WITHIN_MS, 'down')
  })
  const asked = ask().then(
    () => 'up' as const,
    () => 'down' as const,
  )
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}
