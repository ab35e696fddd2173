import { describe, expect, test } from 'vitest'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import { AppError } from '../../services/core/domain/errors.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createMetrics } from '../../services/core/infra/metrics.ts'
import type { ClaimedUpload } from '../../services/core/infra/upload-store.ts'
import type { Judgement } from '../../services/worker/judge.ts'
import { createUploadProcessor } from '../../services/worker/process-upload.ts'

const judgement: Judgement = {
  width: 4,
  height: 3,
  verdicts: [
    {
      id: 'p',
      version: 'v',
      mode: 'enforce',
      action: 'flag',
      rules: [{ id: 'r', action: 'flag', matched: true, score: 0.9, threshold: 0.5 }],
    },
    { id: 's', version: 'v', mode: 'shadow', action: 'reject', rules: [] },
  ],
  embeddings: [{ view: 'full', embedding: Float32Array.of(1, 0) }],
  missing: [],
  timingsMs: { decode: 5, inference: 20, decide: 1 },
}

/** A processor over a store that has claimed its upload `attempts` times, counting this one, each of which but the last failed. */
function setup({ attempts = 1, judge = async () => judgement, blob = async () => 'file' }: Partial<Setup> = {}) {
  const concluded: Conclusion[] = []
  let unclaimed = 0
  const handle = createUploadProcessor({
    store: {
      claim: async (id, mostAttempts = Number.POSITIVE_INFINITY) =>
        attempts - 1 <= mostAttempts ? ({ id, tenant: 't', blobKey: `t/${id}`, attempts } as ClaimedUpload) : undefined,
      isPending: async () => true,
      unclaim: async () => {
        unclaimed++
      },
      conclude: async (_, conclusion) => {
        concluded.push(conclusion)
        return true
      },
    },
    blobs: { withFile: async (_, use) => use(await blob()) },
    judge: { judge },
    decoders: 1,
    model: { id: 'm', revision: 'r' },
    metrics: createMetrics(),
    log: silentLogger(),
  })
  return {
    run: (failures = attempts - 1) => handle({ uploadId: 'u', enqueuedAt: Date.now(), failures }),
    concluded,
    unclaimed: () => unclaimed,
  }
}
type Setup = { attempts: number; judge: () => Promise<Judgement>; blob: () => Promise<string> }

const fail = (error: Error) => () => Promise.reject(error)

describe('an upload', () => {
  test('comes to its enforced policies’ most severe action', async () => {
    const { run, concluded } = setup()
    await run()
    expect(concluded).toMatchObject([{ action: 'flag', reasonCodes: ['p'], model: { id: 'm', revision: 'r' } }])
    expect(concluded[0]?.timings).toMatchObject({
      decode: 5,
      inference: 20,
      decide: 1,
      queue: expect.any(Number),
      fetch: expect.any(Number),
    })
  })

  test('says which views are missing', async () => {
    const { run, concluded } = setup({ judge: async () => ({ ...judgement, missing: ['frame-12'] }) })
    await run()
    expect(concluded).toMatchObject([{ detail: 'missing views: frame-12' }])
  })

  test.each([
    ['does not decode', setup({ judge: fail(new AppError('undecodable', 'bad marker')) })],
    ['lost its bytes', setup({ blob: fail(new AppError('not-found', 'no blob')) })],
  ])('that %s goes to review at once', async (_, { run, concluded }) => {
    await run()
    expect(concluded).toMatchObject([{ action: 'flag', reasonCodes: ['undecodable'], verdicts: [] }])
  })

  test.each([1, 2])('that killed its decoder on attempt %i is tried again', async (attempts) => {
    const { run, concluded, unclaimed } = setup({ attempts, judge: fail(new AppError('decoder-failed', 'killed')) })
    await expect(run()).rejects.toMatchObject({ code: 'decoder-failed' })
    expect(concluded).toEqual([])
    expect(unclaimed()).toBe(0)
  })

  test.each([
    ['decoder-failed', 'undecodable'],
    ['model-failed', 'model-failed'],
  ] as const)('whose third attempt ends in %s goes to review as %s', async (code, reason) => {
    const { run, concluded } = setup({ attempts: 3, judge: fail(new AppError(code, 'killed')) })
    await run()
    expect(concluded).toMatchObject([{ action: 'flag', reasonCodes: [reason], detail: 'killed' }])
  })

  test('whose attempts all ended with their worker is not tried a fourth time', async () => {
    const { run, concluded } = setup({ attempts: 4, judge: fail(new Error('must not be called')) })
    await run(0)
    expect(concluded).toMatchObject([{ action: 'flag', reasonCodes: ['undecodable'] }])
  })

  test('is not blamed for a store that is out of reach', async () => {
    const { run, unclaimed } = setup({ blob: fail(new AppError('store-unavailable', 'no connection')) })
    await expect(run()).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(unclaimed()).toBe(1)
  })

  test.each(['start', 'closed'])('is not blamed for a decoder that could not work: %s', async (reason) => {
    const judge = fail(new AppError('decoder-failed', 'no decoder', { details: { reason } }))
    const { run, concluded, unclaimed } = setup({ attempts: 3, judge })
    await expect(run()).rejects.toMatchObject({ code: 'decoder-failed' })
    expect(concluded).toEqual([])
    expect(unclaimed()).toBe(1)
  })
})

describe('among others in the hands of one worker', () => {
  /** Uploads by how many attempts were begun, and a judge that ends when it is told. */
  function setupMany(attempts: Record<string, number>, decoders: number) {
    const judging: { id: string; decode: () => void; end: () => void }[] = []
    const handle = createUploadProcessor({
      store: {
        async claim(id, mostAttempts = Number.POSITIVE_INFINITY) {
          const begun = attempts[id] ?? 0
          if (begun > mostAttempts) return undefined
          attempts[id] = begun + 1
          return { id, tenant: 't', blobKey: id, attempts: begun + 1 } as ClaimedUpload
        },
        isPending: async () => true,
        unclaim: async () => {},
        conclude: async () => true,
      },
      blobs: { withFile: (key, use) => use(key) },
      judge: {
        judge: (id, onDecoded) =>
          new Promise((resolve) => {
            judging.push({ id, decode: () => onDecoded?.(), end: () => resolve(judgement) })
          }),
      },
      decoders,
      model: { id: 'm', revision: 'r' },
      metrics: createMetrics(),
      log: silentLogger(),
    })
    return {
      attempts,
      start: (uploadId: string, failures = 0) => handle({ uploadId, enqueuedAt: Date.now(), failures }),
      judging: () => judging.map(({ id }) => id),
      decode: (id: string) => judging.find((each) => each.id === id)?.decode(),
      end: (id: string) => judging.find((each) => each.id === id)?.end(),
    }
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  test('an attempt is not counted before its image can be decoded', async () => {
    const { attempts, start, judging, decode } = setupMany({ a: 0, b: 0, c: 0 }, 1)
    for (const id of ['a', 'b', 'c']) void start(id)
    await settled()
    expect(judging()).toEqual(['a', 'b'])
    expect(attempts).toEqual({ a: 1, b: 1, c: 0 })
    decode('a')
    await settled()
    expect(judging()).toEqual(['a', 'b', 'c'])
  })

  test('what an earlier attempt did not survive is tried alone', async () => {
    const { attempts, start, judging, decode, end } = setupMany({ suspect: 1, before: 0, after: 0 }, 2)
    const before = start('before')
    const suspect = start('suspect')
    await settled()
    void start('after')
    await settled()
    decode('before')
    await settled()
    expect(judging()).toEqual(['before'])
    end('before')
    await before
    await settled()
    expect(judging()).toEqual(['before', 'suspect'])
    expect(attempts).toMatchObject({ after: 0 })
    end('suspect')
    await suspect
    await settled()
    expect(judging()).toEqual(['before', 'suspect', 'after'])
  })

  test('what has failed, and not killed, is tried beside others', async () => {
    const { start, judging } = setupMany({ failed: 1, other: 0 }, 1)
    void start('other')
    void start('failed', 1)
    await settled()
    expect(judging()).toEqual(['other', 'failed'])
  })
})
