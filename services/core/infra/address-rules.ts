import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
export type Network = readonly [base: Address, prefixLength: number]

/** Targets that are allowed though they are not public: networks, and host names wherever they lead. */
export type AllowList = { networks: readonly Network[]; hosts: ReadonlySet<string> }

/** Where requests to the addresses that others name may go: to what is public or in `allow`, on one of `ports`. */
export type TargetRules = { allow: AllowList; ports: readonly number[] }

/** What IANA has given to global unicast; the rest of IPv6 is reserved, or is IPv4 in disguise as in ::127.0.0.1. */
const GLOBAL_IPV6: Network = [ipaddr.IPv6.parse('2000::'), 3]
/** NAT64 (RFC 6052): whoever dials this reaches the IPv4 address in its last 32 bits. */
const NAT64: Network = [ipaddr.IPv6.parse('64:ff9b::'), 96]
/** Looks public, and is the platform's own agent on every machine of Azure. */
const AZURE_AGENT = '168.63.129.16'

/** Whether `address`, in the notation that resolvers and URLs use, may be dialled. What is no such address may not. */
export function isAllowedAddress(address: string, { networks }: AllowList): boolean {
  const target = parseTarget(address)
  return target !== undefined && (isPublic(target) || networks.some((network) => contains(network, target)))
}

/** Whether `host` is allowed by its name, whatever it resolves to. */
export function isAllowedHost(host: string, { hosts }: AllowList): boolean {
  return hosts.has(canonicalHost(host))
}

/** Names are equal without regard to case and to the root's dot. */
export function canonicalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

function parseTarget(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  // A zone names an interface of this machine.
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.IPv6.parse(text)
  return contains(NAT64, address) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : address
}

/** Only what ipaddr.js calls unicast: no private, shared, local, mapped, tunnelled, multicast, documentation, benchmarking or reserved range. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv6' ? contains(GLOBAL_IPV6, address) : address.toString() !== AZURE_AGENT
}

function contains([base, prefixLength]: Network, address: Address): boolean {
  return base.kind() === address.kind() && address.match(base, prefixLength)
}
