import { describe, expect, test } from 'vitest'
import { checkTargetUrl } from '../../services/core/infra/guarded-url.ts'
import { parseAllowList } from '../../services/core/infra/parse-allow-list.ts'
import { hostileUrls } from '../support/hostile-urls.ts'

describe('a URL is looked at before it is kept', () => {
  const rules = { allow: { networks: [], hosts: new Set<string>() }, ports: [80, 443] }

  test.each(hostileUrls.filter(([what]) => what !== 'a public address as a user name'))('%s is refused: %s', (_what, url) => {
    expect(() => checkTargetUrl(url, rules)).toThrow(expect.objectContaining({ code: 'forbidden-target' }))
  })

  test.each([
    ['', 'nothing'],
    ['images.example/cat.jpg', 'no scheme'],
    ['//images.example/cat.jpg', 'no scheme'],
    ['http://', 'no host'],
    ['ftp://images.example/', 'another scheme'],
    ['file:///etc/passwd', 'another scheme'],
    ['gopher://127.0.0.1:6379/_FLUSHALL', 'another scheme'],
    ['data:image/png;base64,AAAA', 'another scheme'],
    ['javascript:alert(1)', 'another scheme'],
    ['http://user@images.example/', 'a user name'],
    ['http://:secret@images.example/', 'a password'],
    ['http://8.8.8.8@127.0.0.1/', 'a user name that looks like a host'],
    ['http://[fe80::1%25eth0]/', 'a zone'],
    ['http://[fe80::1%eth0]/', 'a zone'],
    ['http://256.256.256.256/', 'an address that does not exist'],
    ['http://0x100000000/', 'an address that does not exist'],
    ['http://127.0.0.1:65536/', 'a port that does not exist'],
    ['http://exa mple/', 'a space'],
  ])('%s is no URL for us: %s', (url) => {
    expect(() => checkTargetUrl(url, rules)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  })

  test.each(['http://localhost/', 'https://LOCALHOST./', 'http://a.b.localhost/'])('%s is refused by its name', (url) => {
    expect(() => checkTargetUrl(url, rules)).toThrow(expect.objectContaining({ code: 'forbidden-target' }))
    expect(checkTargetUrl('http://localhost/', { ...rules, allow: parseAllowList('localhost').allow }).hostname).toBe('localhost')
  })

  test('2048 characters are enough', () => {
    const url = `https://images.example/${'x'.repeat(2025)}`
    expect(checkTargetUrl(url, rules).href).toBe(url)
    expect(() => checkTargetUrl(`${url}x`, rules)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  })

  test('and kept as it will be dialled', () => {
    expect(checkTargetUrl('HTTPS://Bücher.example:443/a/../b?c=d#e', rules).href).toBe('https://xn--bcher-kva.example/b?c=d')
  })
})
