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

/** A processor over a store that has claimed its upload `attempts` times, counting this one. */
function setup({ attempts = 1, judge = async () => judgement, blob = async () => 'file' }: Partial<Setup> = {}) {
  const concluded: Conclusion[] = []
  let unclaimed = 0
  const handle = createUploadProcessor({
    store: {
      claim: async (id) => ({ id, tenant: 't', blobKey: `t/${id}`, attempts }) as ClaimedUpload,
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
    model: { id: 'm', revision: 'r' },
    metrics: createMetrics(),
    log: silentLogger(),
  })
  return { run: () => handle({ uploadId: 'u', enqueuedAt: Date.now() }), concluded, unclaimed: () => unclaimed }
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
    await run()
    expect(concluded).toMatchObject([{ action: 'flag', reasonCodes: ['undecodable'] }])
  })

  test('is not blamed for a store that is out of reach', async () => {
    const { run, unclaimed } = setup({ blob: fail(new AppError('store-unavailable', 'no connection')) })
    await expect(run()).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(unclaimed()).toBe(1)
  })
})
