import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditActor } from '../core/domain/audit.ts'
import { AppError } from '../core/domain/errors.ts'
import { personOf } from '../core/domain/person.ts'
import { allows, type Scope } from '../core/domain/scopes.ts'
import type { ApiKey } from '../core/infra/api-key-store.ts'
import type { NewSession } from '../core/infra/session-store.ts'
import type { Credentials } from './credentials.ts'
import { refuseForgery } from './csrf.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route wants a key with one of these, or a session by one; without them it is open to all. */
    scopes?: readonly Scope[]
    /** It is under /v1, and open to all the same. */
    open?: true
  }
  interface FastifyRequest {
    /** Also of a session: the one that the person signed in by. */
    apiKey: ApiKey | undefined
    session: NewSession | undefined
    /** Whether the key or session is still in force, for answers that take long. It is no use of the session. Throws AppError `store-unavailable`. */
    isStillAllowed(): Promise<boolean>
  }
}

export const SESSION_COOKIE = 'pxw_session'

const BEARER = /^Bearer +(pxw_[\w-]{1,200}) *$/i
const READING = ['GET', 'HEAD']

/**
 * Wants an API key, or the cookie of a session, wherever a route's `config.scopes` says so, before anything of a body is read. With the cookie, whatever is
 * more than reading needs the session's CSRF token too. A route under /v1 that neither names scopes nor says that it is open is refused at start.
 */
export async function authenticate(app: FastifyInstance, credentials: Credentials): Promise<void> {
  const { keys, sessions } = credentials

  async function byKey({ headers: { authorization = '' }, ip }: FastifyRequest): Promise<ApiKey | undefined> {
    const secret = BEARER.exec(authorization)?.[1]
    return secret === undefined ? undefined : keys.verify(secret, ip)
  }

  async function bySession(request: FastifyRequest): Promise<ApiKey | undefined> {
    const token = request.cookies[SESSION_COOKIE]
    const session = token === undefined ? undefined : await sessions.verify(token, request.ip)
    if (token === undefined || !session) return undefined
    if (!READING.includes(request.method)) refuseForgery(request, token)
    request.session = { ...session, token }
    return session.key
  }

  await app.register(cookie)
  app.decorateRequest('apiKey', undefined)
  app.decorateRequest('session', undefined)
  app.decorateRequest('isStillAllowed', async function () {
    if (!this.session) return (await byKey(this)) !== undefined
    const { token } = this.session
    return (sessions.recall(token) ?? (await sessions.peek(token))) !== undefined
  })
  app.addHook('onRoute', ({ url, config, schema }) => {
    if (!config?.scopes && !config?.open && url.startsWith('/v1/')) throw new Error(`${url} names no scopes`)
    if (!schema || schema.hide) return
    const scopes = config?.scopes && [...config.scopes]
    schema.security = scopes ? [{ apiKey: scopes }, { session: scopes }] : []
  })
  app.addHook('onRequest', async (request) => {
    const { scopes } = request.routeOptions.config
    if (!scopes) return
    const key = await (request.headers.authorization === undefined ? bySession(request) : byKey(request))
    if (!key) throw new AppError('unauthenticated', 'sign in, or send a valid key: Authorization: Bearer pxw_…')
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

/** Who makes a request whose route has scopes: the person who is signed in, else the key. */
export function actorOf({ apiKey, session }: FastifyRequest): AuditActor {
  if (session) return personOf(session)
  if (!apiKey) throw new Error('this route has no scopes')
  return { kind: 'key', id: apiKey.id, name: apiKey.name }
}
