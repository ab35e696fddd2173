import { describe, expect, test } from 'vitest'
import { shareReadings } from '../../services/api/share-readings.ts'

/** Readings that are answered by hand, under a clock that is set by hand. */
function watched(most = 10) {
  const clock = { ms: 0 }
  const begun: { key: string; resolve: (value: string) => void; reject: (error: Error) => void }[] = []
  const share = shareReadings<string>({ most, now: () => clock.ms })
  const ask = (key: string) => share(key, () => new Promise((resolve, reject) => begun.push({ key, resolve, reject })))
  async function read(key: string, value: string) {
    const asked = ask(key)
    begun.at(-1)?.resolve(value)
    return asked
  }
  return { clock, begun, ask, read }
}

describe('a shared reading', () => {
  test('is one for all who ask while it is under way', async () => {
    const { begun, ask } = watched()
    const answers = [ask('a'), ask('a'), ask('a')]
    begun[0]?.resolve('one')
    expect(await Promise.all(answers)).toEqual(['one', 'one', 'one'])
    expect(begun).toHaveLength(1)
  })

  test('is another for another key', async () => {
    const { read } = watched()
    expect(await read('a', 'of a')).toBe('of a')
    expect(await read('b', 'of b')).toBe('of b')
  })

  test('is good for twenty times as long as it took, and for half a second at least', async () => {
    const { clock, begun, ask, read } = watched()
    await read('quick', 'first')
    clock.ms = 499
    expect(await ask('quick')).toBe('first')
    clock.ms = 500
    expect(await read('quick', 'second')).toBe('second')
    const slow = ask('slow')
    clock.ms += 200
    begun.at(-1)?.resolve('first')
    await slow
    clock.ms += 3999
    expect(await ask('slow')).toBe('first')
    clock.ms += 1
    expect(await read('slow', 'second')).toBe('second')
  })

  test('that fails, fails for those who wait, and the next is a new one', async () => {
    const { begun, ask, read } = watched()
    const answers = [ask('a'), ask('a')]
    begun[0]?.reject(new Error('no answer'))
    for (const answer of answers) await expect(answer).rejects.toThrow('no answer')
    expect(await read('a', 'now')).toBe('now')
  })

  test('gives way to newer ones', async () => {
    const { begun, ask, read } = watched(2)
    for (const key of ['a', 'b', 'c']) await read(key, key)
    expect(await ask('b')).toBe('b')
    void ask('a')
    expect(begun.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'a'])
  })
})
