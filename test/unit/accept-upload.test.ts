import { describe, expect, test } from 'vitest'
import { acceptUpload, type Submission } from '../../services/api/intake/accept-upload.ts'
import type { UploadView } from '../../services/core/domain/decision.ts'
import { AppError } from '../../services/core/domain/errors.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'

const GIF = Buffer.from('474946383961010001000000003b', 'hex')
const away = new AppError('store-unavailable', 'the database does not answer')

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
          if (!canFind) throw away
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
      throw away
    })
    expect(await acceptUpload(offered, submission)).toEqual({ id: 'upload', repeated: false })
    expect([...blobs]).toEqual(['default/upload'])
  })

  test.each([{ canFind: true }, { canFind: false }])(
    'and had not, nothing stays, and the key is free ($canFind)',
    async (options) => {
      const { offered, blobs, keys } = stores(() => {
        throw away
      }, options)
      await expect(acceptUpload(offered, submission)).rejects.toBe(away)
      expect([...blobs, ...keys]).toEqual([])
    },
  )
})

test('a blob that cannot be deleted does not hide why its upload was refused', async () => {
  const { offered } = stores(() => {
    throw away
  })
  const broken = { ...offered, blobs: { ...offered.blobs, delete: () => Promise.reject(new Error('EIO')) } }
  await expect(acceptUpload(broken, submission)).rejects.toBe(away)
})
