import { expect, test } from 'vitest'
import { allows, type Scope } from '../../services/core/domain/scopes.ts'

test.each<[Scope[], Scope[], boolean]>([
  [['intake'], ['intake'], true],
  [['intake'], ['review'], false],
  [['review'], ['intake', 'review'], true],
  [['intake', 'review'], ['admin'], false],
  [['admin'], ['intake'], true],
  [['admin'], ['admin'], true],
  [[], ['intake'], false],
])('a key for %j, where %j is needed: %s', (granted, needed, expected) => {
  expect(allows(granted, needed)).toBe(expected)
})
