import { describe, expect, test } from 'vitest'
import { parseAllowList } from '../../services/core/infra/parse-allow-list.ts'

describe('a list of what is allowed', () => {
  test('takes networks, addresses and names', () => {
    const { allow, problems } = parseAllowList(' 10.0.0.0/8, fd00::/8,127.0.0.1 , ::1,Hooks.Internal., bücher.example')
    expect(problems).toEqual([])
    expect(allow.networks.map(String)).toEqual(['10.0.0.0/8', 'fd00::/8', '127.0.0.1,32', '::1,128'])
    expect([...allow.hosts]).toEqual(['hooks.internal', 'xn--bcher-kva.example'])
  })

  test.each([
    '10.0.0.0/33',
    '10/8',
    '127.1',
    '0x7f.1',
    '2130706433',
    '300.1.1.1',
    'fe80::1%eth0',
    '[::1]',
    'http://hooks.internal',
    'hooks.internal:8080',
    'user@hooks.internal',
    '*.internal',
    'a b',
    '',
  ])('names what is none of these: "%s"', (entry) => {
    expect(parseAllowList(`10.0.0.1,${entry}`).problems).toEqual([expect.stringContaining(`"${entry}"`)])
  })
})
