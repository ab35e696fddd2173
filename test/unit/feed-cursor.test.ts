import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatCursor, isAfter, parseCursor } from '../../services/core/domain/feed.ts'

const position = fc.record({ xid: fc.bigInt(0n, 2n ** 64n - 1n), seq: fc.bigInt(0n, 2n ** 63n - 1n) })

test('a cursor is the place that it was made of', () => {
  fc.assert(
    fc.property(position, (place) => {
      expect(parseCursor(formatCursor(place))).toEqual(place)
    }),
  )
})

test('places have one order', () => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      expect([isAfter(a, b), isAfter(b, a)].filter(Boolean)).toHaveLength(a.xid === b.xid && a.seq === b.seq ? 0 : 1)
    }),
  )
  expect(isAfter({ xid: 2n, seq: 1n }, { xid: 1n, seq: 9n })).toBe(true)
  expect(isAfter({ xid: 1n, seq: 10n }, { xid: 1n, seq: 9n })).toBe(true)
})

const encoded = (text: string) => Buffer.from(text).toString('base64url')

test.each([
  '',
  'x',
  encoded('1'),
  encoded('1.'),
  encoded('.1'),
  encoded('-1.0'),
  encoded('1.0.0'),
  encoded('01.0'),
  encoded('1.0 '),
  encoded(`${2n ** 64n}.0`),
  encoded(`1.${2n ** 63n}`),
  `${encoded('1.0')}=`,
  `${encoded('1.0')}!`,
])('%j is no cursor', (text) => {
  expect(() => parseCursor(text)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
})
