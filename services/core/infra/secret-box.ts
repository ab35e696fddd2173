import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AppError } from '../domain/errors.ts'

/** Keeps secrets that must be had again, unlike keys of which a hash is enough. `owner` binds a sealed secret to the row that it belongs to. */
export type SecretBox = {
  seal(secret: Buffer, owner: string): Buffer
  /** Throws AppError `invalid-config` for what none of the keys opens. */
  open(sealed: Buffer, owner: string): Buffer
}

const PLAIN = 0
const AES_256_GCM = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals with the first of `keys`, 32 bytes each, and opens with any of them, so that a key can be replaced. Without keys secrets are kept as they are,
 * and those that were kept so stay readable. A sealed secret is a byte for its form, a nonce, a tag and the ciphertext.
 */
export function createSecretBox(keys: readonly Buffer[]): SecretBox {
  const [current] = keys
  return {
    seal(secret, owner) {
      if (!current) return Buffer.concat([Buffer.of(PLAIN), secret])
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', current, nonce).setAAD(Buffer.from(owner))
      const text = Buffer.concat([cipher.update(secret), cipher.final()])
      return Buffer.concat([Buffer.of(AES_256_GCM), nonce, cipher.getAuthTag(), text])
    },

    open(sealed, owner) {
      if (sealed[0] === PLAIN) return sealed.subarray(1)
      for (const key of keys) {
        const secret = openWith(key, sealed, owner)
        if (secret) return secret
      }
      throw new AppError('invalid-config', 'PIXWARDEN_SECRET_KEY does not open a secret that was stored with another key')
    },
  }
}

function openWith(key: Buffer, sealed: Buffer, owner: string): Buffer | undefined {
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
  const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(owner))
      .setAuthTag(tag)
    return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES + TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}
