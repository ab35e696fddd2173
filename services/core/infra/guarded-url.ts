import { isIP } from 'node:net'
import { AppError } from '../domain/errors.ts'
import { canonicalHost, isAllowedAddress, isAllowedHost, type TargetRules } from './address-rules.ts'

const MAX_URL_LENGTH = 2048

/**
 * Checks a URL that somebody else named, and returns it as it will be dialled, without its fragment. Names are not resolved: where they lead is checked
 * when they are dialled (`createGuardedDispatcher`).
 * Throws AppError `invalid-request` for what is no http or https URL without credentials, and `forbidden-target` for what `rules` refuse.
 */
export function checkTargetUrl(text: string, rules: TargetRules): URL {
  if (text.length > MAX_URL_LENGTH) throw new AppError('invalid-request', `a URL may have at most ${MAX_URL_LENGTH} characters`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new AppError('invalid-request', 'a whole URL that begins with https:// or http:// is needed')
  if (url.username || url.password) throw new AppError('invalid-request', 'a URL may not carry a user name or a password')
  const refusal = refusalOf({ host: hostOf(url), port: portOf(url) }, rules)
  if (refusal) throw refusal
  url.hash = ''
  return url
}

/** Why a target may not be dialled, as far as its host and port tell: AppError `forbidden-target`; undefined when they do not speak against it. */
export function refusalOf(target: { host: string; port: number }, { allow, ports }: TargetRules): AppError | undefined {
  const { host, port } = target
  if (!ports.includes(port))
    return new AppError('forbidden-target', `requests go to port ${ports.join(' or ')} only`, { details: { ports } })
  if (isIP(host) !== 0 ? !isAllowedAddress(host, allow) : isLocalName(host) && !isAllowedHost(host, allow))
    return notPublic(`${host} was named`)
  return undefined
}

/** The same words whether an address is refused, a name leads to one, or leads nowhere: they tell nothing about the network inside. `reason` is for the log. */
export function notPublic(reason: string, cause?: Error): AppError {
  return new AppError('forbidden-target', 'the host has no public address', { cause: new Error(reason, { cause }) })
}

function isLocalName(host: string): boolean {
  return /(^|\.)localhost$/.test(canonicalHost(host))
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
