import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSecretBox } from '../../services/core/infra/secret-box.ts'

const secret = randomBytes(32)
const [key, other] = [randomBytes(32), randomBytes(32)]

describe('a secret at rest', () => {
  test('is not to be found in what is stored, and comes out of it again', () => {
    const box = createSecretBox([key])
    const sealed = box.seal(secret, 'endpoint')
    expect(sealed.includes(secret)).toBe(false)
    expect(box.open(sealed, 'endpoint')).toEqual(secret)
    expect(box.seal(secret, 'endpoint')).not.toEqual(sealed)
  })

  test('opens with neither another key, nor for another owner, nor when a bit of it has changed', () => {
    const sealed = createSecretBox([key]).seal(secret, 'endpoint')
    expect(() => createSecretBox([other]).open(sealed, 'endpoint')).toThrow(/PIXWARDEN_SECRET_KEY/)
    expect(() => createSecretBox([]).open(sealed, 'endpoint')).toThrow(/PIXWARDEN_SECRET_KEY/)
    expect(() => createSecretBox([key]).open(sealed, 'another')).toThrow(/PIXWARDEN_SECRET_KEY/)
    for (const at of [1, 13, sealed.length - 1]) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(() => createSecretBox([key]).open(changed, 'endpoint')).toThrow(/PIXWARDEN_SECRET_KEY/)
    }
  })

  test('outlives the replacement of its key, and the first key that there ever was', () => {
    const [plain, sealed] = [createSecretBox([]), createSecretBox([key])].map((box) => box.seal(secret, 'endpoint'))
    const now = createSecretBox([other, key])
    for (const stored of [plain, sealed]) expect(now.open(stored as Buffer, 'endpoint')).toEqual(secret)
    expect(createSecretBox([other]).open(now.seal(secret, 'endpoint'), 'endpoint')).toEqual(secret)
  })

  test('is stored as it is where there is no key', () => {
    expect(createSecretBox([]).seal(secret, 'endpoint').includes(secret)).toBe(true)
  })
})
