import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { type AllowList, isAllowedAddress, isAllowedHost, type TargetRules } from './address-rules.ts'
import { notPublic, refusalOf } from './guarded-url.ts'

export type GuardedDispatcherOptions = TargetRules & {
  /** To resolve the name, connect, and agree on TLS. */
  connectTimeoutMs: number
  /** From the request to the end of the response's headers. */
  headersTimeoutMs: number
  /** Between two pieces of a response's body. */
  bodyTimeoutMs: number
  /** A longer response body is cut off with undici's UND_ERR_RES_EXCEEDED_MAX_SIZE. */
  maxResponseBytes: number
  /** Like `lookup` of node:dns, which it is by default; asked for all addresses of a name. */
  lookup?: LookupFunction
}

/**
 * Makes connections for URLs that others name. Whatever dispatches through it, every address is checked where it is dialled: a literal before the dialling,
 * a name's addresses between their lookup and the dialling, so that a name cannot lead elsewhere in between. One refused address refuses the name.
 * Refused requests throw AppError `forbidden-target`, with nothing dialled. Redirects are not followed, and proxies of the environment not used.
 * Whoever makes it closes it: `destroy()`.
 */
export function createGuardedDispatcher(options: GuardedDispatcherOptions): Dispatcher {
  const { allow, lookup = systemLookup, connectTimeoutMs, headersTimeoutMs, bodyTimeoutMs, maxResponseBytes } = options
  const dial = buildConnector({ timeout: connectTimeoutMs, lookup: guardLookup(allow, lookup) } as buildConnector.BuildOptions)
  return new Agent({
    connect(target, callback) {
      const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
      const refusal = refusalOf({ host: target.hostname, port }, options)
      if (refusal) process.nextTick(callback, refusal, null)
      else dial(target, callback)
    },
    headersTimeout: headersTimeoutMs,
    bodyTimeout: bodyTimeoutMs,
    maxResponseSize: maxResponseBytes,
  })
}

function guardLookup(allow: AllowList, lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = found as LookupAddress[]
      const refusal = error ? unresolved(hostname, error) : refusedAmong(hostname, addresses, allow)
      const [first] = addresses ?? []
      if (refusal || !first) callback(refusal ?? notPublic(`${hostname} has no address`), '')
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

/** A name that does not exist is told as one that leads inside; a resolver that does not answer is another matter. */
function unresolved(hostname: string, error: NodeJS.ErrnoException): Error {
  return error.code === 'ENOTFOUND' || error.code === 'ENODATA' ? notPublic(`${hostname} has no address`, error) : error
}

function refusedAmong(hostname: string, addresses: LookupAddress[], allow: AllowList): Error | undefined {
  if (isAllowedHost(hostname, allow)) return undefined
  const refused = addresses.find(({ address }) => !isAllowedAddress(address, allow))
  return refused && notPublic(`${hostname} leads to ${refused.address}`)
}
