import ipaddr from 'ipaddr.js'

/** Nobody, everybody, so many hops, or these addresses and networks. */
export type TrustedProxies = boolean | number | string[]

/** Names of private ranges, as well as addresses and networks. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal']
const MOST_HOPS = 10

/** Reads `true`, `false`, a number of hops, or a list of addresses, networks and private ranges with commas between. */
export function parseTrustedProxies(text: string): { trusted: TrustedProxies; problems: string[] } {
  if (text === 'true' || text === 'false') return { trusted: text === 'true', problems: [] }
  if (/^\d+$/.test(text) && Number(text) <= MOST_HOPS) return { trusted: Number(text), problems: [] }
  const trusted = text.split(',').map((entry) => entry.trim())
  const problems = trusted
    .filter((entry) => !RANGES.includes(entry) && !isNetwork(entry))
    .map(
      (entry) => `"${entry}" is no address, no network such as 10.1.0.0/16, no number up to ${MOST_HOPS}, and not true or false`,
    )
  return { trusted, problems }
}

function isNetwork(entry: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(entry) || ipaddr.IPv4.isValidCIDRFourPartDecimal(entry)) return true
  return !entry.includes('%') && (ipaddr.IPv6.isValid(entry) || ipaddr.IPv6.isValidCIDR(entry))
}
