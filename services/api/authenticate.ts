import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditActor } from '../core/domain/audit.ts'
import { AppError } from '../core/domain/errors.ts'
import { allows, type Scope } from '../core/domain/scopes.ts'
import type { ApiKey, ApiKeyStore } from '../core/infra/api-key-store.ts'
import { createKeyVerifier } from './verify-key.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route wants a key with one of these; without them it is open to all. */
    scopes?: readonly Scope[]
  }
  interface FastifyRequest {
    apiKey: ApiKey | undefined
  }
}

const BEARER = /^Bearer +(pxw_[\w-]{1,200}) *$/i

/** Wants an API key wherever a route's `config.scopes` says so, before anything of a body is read. A route under /v1 without scopes is refused at start. */
export function authenticate(app: FastifyInstance, keys: Pick<ApiKeyStore, 'verify'>): void {
  const verify = createKeyVerifier(keys)
  app.decorateRequest('apiKey', undefined)
  app.addHook('onRoute', ({ url, config, schema }) => {
    if (!config?.scopes && url.startsWith('/v1/')) throw new Error(`${url} names no scopes`)
    if (schema && !schema.hide) schema.security = config?.scopes ? [{ apiKey: [...config.scopes] }] : []
  })
  app.addHook('onRequest', async (request) => {
    const { scopes } = request.routeOptions.config
    if (!scopes) return
    const secret = BEARER.exec(request.headers.authorization ?? '')?.[1]
    const key = secret === undefined ? undefined : await verify(secret, request.ip)
    if (!key) throw new AppError('unauthenticated', 'send a valid key: Authorization: Bearer pxw_…')
    if (!allows(key.scopes, scopes))
      throw new AppError('forbidden', `this needs a key with the scope ${scopes.join(' or ')}`, { details: { scopes } })
    request.apiKey = key
    request.log = request.log.child({ tenant: key.tenant })
  })
}

/** The tenant of a request whose route has scopes. */
export function tenantOf({ apiKey }: FastifyRequest): string {
  if (!apiKey) throw new Error('this route has no scopes')
  return apiKey.tenant
}

/** Who makes a request whose route has scopes, for the audit log. */
export function actorOf({ apiKey }: FastifyRequest): AuditActor {
  if (!apiKey) throw new Error('this route has no scopes')
  return { kind: 'key', id: apiKey.id, name: apiKey.name }
}
