import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { showAudit } from '../../core/domain/audit.ts'
import { tenantOf } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import { json, problems } from './describe-responses.ts'

const filter = z.strictObject({
  action: z
    .string()
    .regex(/^[a-z.-]{1,100}$/, 'such as upload.erase')
    .optional()
    .describe('Such as `upload.erase`.'),
  subject: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'an id is needed')
    .optional()
    .describe('The id of what it was done to.'),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .describe('The `next_cursor` of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

const entry = z
  .object({
    seq: z.number().describe('Counts the entries of all tenants.'),
    at: z.string().describe('UTC, with microseconds.'),
    tenant: z.string(),
    actor: z.object({ kind: z.enum(['key', 'person', 'cli', 'system']), id: z.string(), name: z.string() }),
    action: z.string(),
    subject: z.string(),
    details: z.record(z.string(), z.unknown()),
    prev_hash: z.string(),
    hash: z.string().describe('SHA-256 over the entry and the hash before it.'),
  })
  .meta({ id: 'AuditEntry' })

const pageSchema = z.object({ items: z.array(entry), next_cursor: z.string().optional() })

/** GET /v1/audit: who changed what, in the tenant of the key. */
export function readAudit({ listAudit }: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/v1/audit',
      {
        config: { scopes: ['admin'] },
        schema: {
          operationId: 'listAudit',
          tags: ['operation'],
          summary: 'Who changed what, newest first, page by page',
          querystring: filter,
          response: { 200: json('A page; without `next_cursor` it is the last.', pageSchema), ...problems({}) },
        },
      },
      async (request) => {
        const { action, subject, cursor, limit } = request.query
        const before = cursor === undefined ? undefined : Number(cursor)
        const found = await listAudit({ tenant: tenantOf(request), action, subject, before }, limit + 1)
        const items = found.slice(0, limit).map(showAudit)
        return { items, next_cursor: found.length > limit ? String(items.at(-1)?.seq) : undefined }
      },
    )
  }
}
