import { describe, expect, test } from 'vitest'
import { personName, personOf } from '../../services/core/domain/person.ts'

describe('a person', () => {
  test('is the same in every session by a key, and another by another key', () => {
    const [ann, annAgain, ben, elsewhere] = [
      personOf({ key: { id: 'a' }, name: 'Ann' }),
      personOf({ key: { id: 'a' }, name: 'Ann' }),
      personOf({ key: { id: 'a' }, name: 'Ben' }),
      personOf({ key: { id: 'b' }, name: 'Ann' }),
    ]
    expect(ann).toEqual({ kind: 'person', id: expect.any(String), name: 'Ann' })
    expect(annAgain.id).toBe(ann.id)
    expect(new Set([ann.id, ben.id, elsewhere.id]).size).toBe(3)
  })

  test('is called by one spelling of a name', () => {
    expect(personName(' Zoe\u0308  Kravitz ')).toBe('Zoë Kravitz')
    expect(personName('محمد 👩‍🚒')).toBe('محمد 👩‍🚒')
  })

  test.each(['', '   ', 'a\nb', 'a\u2028b', '\u202eannA', 'a\0', 'x'.repeat(101)])('is not called %j', (given) => {
    expect(personName(given)).toBeUndefined()
  })
})
