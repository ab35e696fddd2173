import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'
import { personName } from '../../core/domain/person.ts'
import { allows, SCOPES } from '../../core/domain/scopes.ts'
import type { NewSession } from '../../core/infra/session-store.ts'
import { SESSION_COOKIE } from '../authenticate.ts'
import type { ApiContext } from '../context.ts'
import type { Credentials } from '../credentials.ts'
import { csrfTokenOf, refuseCrossSite } from '../csrf.ts'
import { limitFailures } from '../limit-failures.ts'
import { json, problems } from './describe-responses.ts'

const MOST_WRONG_LINKS = 20
const WRONG_LINKS_MS = 60_000

const tags = ['sessions']
const config = { scopes: SCOPES }

const secret = z.string().min(1).max(300)
const person = z.string().transform((given, context) => {
  const name = personName(given)
  if (name === undefined) context.addIssue({ code: 'custom', message: 'a name of 1 to 100 characters on one line is needed' })
  return name ?? ''
})
const signIn = z.union([z.strictObject({ key: secret, name: person.optional() }), z.strictObject({ link: secret })])

const sessionSchema = z
  .object({
    tenant: z.string(),
    name: z.string().describe('The person, as others and the audit log see them.'),
    scopes: z.array(z.enum(SCOPES)),
    csrf_token: z.string().describe('To be sent as X-CSRF-Token with every request that is no GET or HEAD.'),
    expires_at: z.iso.datetime().describe('At the latest: it ends after two hours without a request, and with its key.'),
  })
  .meta({ id: 'Session' })

/** /v1/session: a browser signs in by a key or a one-time link, and out. */
export function manageSession({ sessions }: ApiContext, credentials: Credentials): FastifyPluginAsyncZod {
  const limitLinks = limitFailures({ most: MOST_WRONG_LINKS, windowMs: WRONG_LINKS_MS, now: () => performance.now() })

  async function startByKey(given: string, name: string | undefined, address: string): Promise<NewSession | undefined> {
    const key = await credentials.keys.verify(given.trim(), address)
    if (!key) return undefined
    if (!allows(key.scopes, ['review']))
      throw new AppError('forbidden', 'signing in needs a key with the scope review', { details: { scopes: ['review'] } })
    return sessions.start({ keyId: key.id, name: name ?? key.name })
  }

  /** A new token each time, whatever cookie a request brings; the session of that one ends. */
  async function replaceSession({ cookies }: FastifyRequest): Promise<void> {
    const before = cookies[SESSION_COOKIE]
    if (before !== undefined) await end(before)
  }

  async function end(token: string): Promise<void> {
    await sessions.end(token)
    credentials.sessions.end(token)
  }

  return async (app) => {
    app.addHook('onSend', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })

    app.post(
      '/v1/session',
      {
        config: { open: true },
        onRequest: async (request) => refuseCrossSite(request),
        schema: {
          operationId: 'signIn',
          tags,
          summary: 'Sign in, by a key or a one-time link',
          description:
            'The cookie that comes back stands for the key in requests of this browser. `name` tells people who share a key apart; without one it is the name of the key.',
          body: signIn,
          response: {
            200: json('Signed in.', sessionSchema),
            ...problems({ 401: 'No valid API key, or no link that can still be used' }),
          },
        },
      },
      async (request, reply) => {
        const { body, ip } = request
        const started =
          'link' in body ? await limitLinks(ip, () => sessions.startByLink(body.link)) : await startByKey(body.key, body.name, ip)
        if (!started)
          throw new AppError(
            'unauthenticated',
            'link' in body ? 'this link was used before, or is too old' : 'this is no valid API key',
          )
        await replaceSession(request)
        reply.setCookie(SESSION_COOKIE, started.token, cookieOf(request))
        return show(started)
      },
    )

    app.get(
      '/v1/session',
      {
        config,
        schema: {
          operationId: 'getSession',
          tags,
          summary: 'Who is signed in',
          response: {
            200: json('The session.', sessionSchema),
            ...problems({ 404: 'The request comes with a key, not a session' }),
          },
        },
      },
      async (request) => show(sessionOf(request)),
    )

    app.delete(
      '/v1/session',
      {
        config,
        schema: {
          operationId: 'signOut',
          tags,
          summary: 'Sign out',
          response: {
            204: z.void().describe('Signed out: the cookie is worth nothing any more.'),
            ...problems({ 404: 'The request comes with a key, not a session' }),
          },
        },
      },
      async (request, reply: FastifyReply) => {
        await end(sessionOf(request).token)
        return reply.clearCookie(SESSION_COOKIE, cookieOf(request)).code(204).send()
      },
    )
  }
}

function sessionOf({ session }: FastifyRequest): NewSession {
  if (!session) throw new AppError('not-found', 'this request comes with a key, not with a session')
  return session
}

/** It ends with the browser, is kept from scripts and from other sites' requests, and from plain HTTP where there is HTTPS. */
function cookieOf({ protocol }: FastifyRequest) {
  return { httpOnly: true, sameSite: 'strict', path: '/', secure: protocol === 'https' } as const
}

function show({ key, name, token, expiresAt }: NewSession): z.infer<typeof sessionSchema> {
  return {
    tenant: key.tenant,
    name,
    scopes: key.scopes,
    csrf_token: csrfTokenOf(token),
    expires_at: expiresAt.toISOString(),
  }
}
