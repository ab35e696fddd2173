import { describe, expect, test } from 'vitest'
import { acceptUpload, type Submission } from '../../services/api/intake/accept-upload.ts'
import type { UploadView } from '../../services/core/domain/decision.ts'
import { AppError } from '../../services/core/domain/errors.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { asStatementError } from '../../services/core/infra/store-error.ts'

const GIF = Buffer.from('474946383961010001000000003b', 'hex')
const refused = new AppError('store-unavailable', 'the database does not answer', { cause: new Error('ECONNREFUSED') })
/** What a statement is told that was sent, and whose connection then broke. */
const unanswered = asStatementError(Object.assign(new Error('broken'), { code: 'ECONNRESET' })) as AppError

/** Stores in memory, whose database answers an insert as it is told to. */
function stores(insert: (save: () => void) => void, { canFind = true } = {}) {
  const blobs = new Set<string>()
  const rows = new Set<string>()
  const keys = new Set<string>()
  return {
    blobs,
    rows,
    keys,
    offered: {
      config: { maxUploadBytes: 1000, maxPixels: 1000, avif: false } as never,
      blobs: {
        async put(key: string, source: AsyncIterable<Uint8Array>) {
          for await (const _ of source);
          blobs.add(key)
        },
        async delete(key: string) {
          blobs.delete(key)
        },
      },
      uploads: {
        async insert({ id }: { id: string }) {
          insert(() => rows.add(id))
        },
        async find(_tenant: string, id: string) {
          if (!canFind) throw refused
          return rows.has(id) ? ({ id, status: 'pending' } as UploadView) : undefined
        },
      },
      idempotency: {
        async reserve(_tenant: string, key: string) {
          keys.add(key)
          return { state: 'reserved' } as const
        },
        async release(_tenant: string, key: string) {
          keys.delete(key)
        },
      },
    },
  }
}

const submission: Submission = {
  id: 'upload',
  tenant: 'default',
  idempotencyKey: 'key',
  read: async (receive) => ({
    image: await receive(
      (async function* () {
        yield GIF
      })(),
    ),
    fields: {},
  }),
  log: silentLogger(),
}

describe('when the database fails as an upload is stored', () => {
  test('but had committed, the upload is in: its bytes stay', async () => {
    const { offered, blobs } = stores((save) => {
      save()
      throw unanswered
    })
    expect(await acceptUpload(offered, submission)).toEqual({ id: 'upload', repeated: false })
    expect([...blobs]).toEqual(['default/upload'])
  })

  test.each([{ canFind: true }, { canFind: false }])(
    'and may commit yet, the bytes stay, and the key is free (can look: $canFind)',
    async (options) => {
      const { offered, blobs, keys } = stores(() => {
        throw unanswered
      }, options)
      await expect(acceptUpload(offered, submission)).rejects.toBe(unanswered)
      expect([...blobs]).toEqual(['default/upload'])
      expect([...keys]).toEqual([])
    },
  )

  test('before it was asked, nothing stays, and the key is free', async () => {
    const { offered, blobs, keys } = stores(() => {
      throw refused
    })
    await expect(acceptUpload(offered, submission)).rejects.toBe(refused)
    expect([...blobs, ...keys]).toEqual([])
  })
})

test('a blob that cannot be deleted does not hide why its upload was refused', async () => {
  const { offered } = stores(() => {
    throw refused
  })
  const broken = { ...offered, blobs: { ...offered.blobs, delete: () => Promise.reject(new Error('EIO')) } }
  await expect(acceptUpload(broken, submission)).rejects.toBe(refused)
})
