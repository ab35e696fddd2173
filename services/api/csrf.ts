import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../core/domain/errors.ts'

/** What a browser says of requests by the page itself, and of those that no page has made. */
const OWN_SITE = ['same-origin', 'none']

/** What pages of a session prove with that they are its own: made from the token in its cookie, which it does not tell. */
export function csrfTokenOf(token: string): string {
  return createHmac('sha256', token).update('pixwarden csrf').digest('base64url')
}

/** Throws AppError `csrf` unless the header X-CSRF-Token is the session's, and no other site's page sends the request. */
export function refuseForgery(request: FastifyRequest, token: string): void {
  refuseCrossSite(request)
  const given = Buffer.from(String(request.headers['x-csrf-token'] ?? ''))
  const right = Buffer.from(csrfTokenOf(token))
  if (given.length !== right.length || !timingSafeEqual(given, right))
    throw new AppError('csrf', "send the session's csrf_token as the header X-CSRF-Token")
}

/**
 * Throws AppError `csrf` when a browser sends the request for a page of another site. Browsers say so by Sec-Fetch-Site, which a page cannot set; over
 * plain HTTP to another host than localhost they do not, and then the page's host must be the one that was asked.
 */
export function refuseCrossSite({ headers, host }: FastifyRequest): void {
  const site = headers['sec-fetch-site']
  const own = site === undefined ? isOwn(headers.origin, host) : OWN_SITE.includes(String(site))
  if (!own) throw new AppError('csrf', 'this request comes from a page of another site')
}

/** Programs that are no browser send no origin, and have no cookie that they did not mean to send. */
function isOwn(origin: string | undefined, host: string): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host.toLowerCase())
}
