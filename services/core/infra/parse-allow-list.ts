import ipaddr from 'ipaddr.js'
import { type AllowList, canonicalHost, type Network } from './address-rules.ts'

/**
 * Reads a list of networks (`10.1.0.0/16`), addresses (`10.1.2.3`, `fd00::7`) and host names (`hooks.internal`), with commas between.
 * `problems` names every entry that is none of these.
 */
export function parseAllowList(text: string): { allow: AllowList; problems: string[] } {
  const networks: Network[] = []
  const hosts = new Set<string>()
  const problems: string[] = []
  for (const entry of text.split(',').map((part) => part.trim())) {
    const network = parseNetwork(entry)
    const host = network ? undefined : parseHost(entry)
    if (network) networks.push(network)
    else if (host !== undefined) hosts.add(host)
    else problems.push(`"${entry}" is no address, no network such as 10.1.0.0/16 and no host name`)
  }
  return { allow: { networks, hosts }, problems }
}

function parseNetwork(entry: string): Network | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(entry)) return [ipaddr.IPv4.parse(entry), 32]
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(entry)) return ipaddr.IPv4.parseCIDR(entry)
  if (entry.includes('%')) return undefined
  if (ipaddr.IPv6.isValid(entry)) return [ipaddr.IPv6.parse(entry), 128]
  return ipaddr.IPv6.isValidCIDR(entry) ? ipaddr.IPv6.parseCIDR(entry) : undefined
}

/** As URLs spell it: in lower case, in Punycode. A name that a URL would take for an address is none. */
function parseHost(entry: string): string | undefined {
  if (!/^[^\s:/?#@[\]\\%*]+$/.test(entry) || !URL.canParse(`http://${entry}`)) return undefined
  const { hostname } = new URL(`http://${entry}`)
  return ipaddr.isValid(hostname) ? undefined : canonicalHost(hostname)
}
