import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decision } from '../../services/core/domain/decision.ts'
import { redisMissing, startRedis, type TestRedis } from '../support/redis.ts'
import { type Service, sample, startService, stopProcess } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

let poison: Buffer
beforeAll(async () => {
  poison = await costlyImage()
})

describe.each([
  { backend: 'PostgreSQL', skip: false },
  { backend: 'Redis', skip: redisMissing() },
])('an image in, a decision out, on $backend', ({ backend, skip }) => {
  describe.skipIf(skip)('the service', () => {
    let redis: TestRedis | undefined
    let service: Service

    beforeAll(async () => {
      redis = backend === 'Redis' ? await startRedis() : undefined
      service = await startService({
        redisUrl: redis?.url,
        env: { PIXWARDEN_DECODE_MEMORY_MB: '200' },
      })
    })
    afterAll(async () => {
      await service?.stop()
      await redis?.stop()
    })

    const verdict = (decision: Decision, policy: string) => decision.policies.find(({ id }) => id === policy)

    test('cat.jpg is flagged as a live animal, with the prompts that say why', async () => {
      const { status, body } = await service.upload(await sample('cat.jpg'), '?wait=30')
      expect(status).toBe(200)
      const decision = body as Decision
      expect(decision).toMatchObject({
        status: 'decided',
        action: 'flag',
        recommendation: { action: 'review', reason_codes: ['live-animals'] },
        model: { id: 'embedded', revision: expect.stringMatching(/^[0-9a-f]{64}$/) },
        image: { mime: 'image/jpeg', width: 451, height: 300 },
      })
      const [rule] = verdict(decision, 'live-animals')?.rules ?? []
      expect(rule).toMatchObject({ matched: true, prompt: expect.stringContaining('cat'), view: 'full' })
      expect(rule?.score).toBeGreaterThanOrEqual(rule?.threshold ?? 1)
    })

    test('coffee.jpg is approved, and its bytes are deleted', async () => {
      const { body } = await service.upload(await sample('coffee.jpg'), '?wait=30')
      expect(body).toMatchObject({
        status: 'decided',
        action: 'approve',
        recommendation: { action: 'approve', reason_codes: [] },
      })
      const blob = path.join(service.dir, 'blobs', 'default', body.id.slice(-2), body.id)
      await waitFor(async () => ((await exists(blob)) ? undefined : true), { timeoutMs: 15_000, what: 'the bytes to be deleted' })
    })

    test('changing a concept in the YAML changes the outcome without a restart', async () => {
      const file = path.join(service.policies, 'sample-rule.yaml')
      const rule = (concept: string) =>
        `id: sample-rule\ntitle: T\nmode: enforce\nrules: [{ id: r, concepts: [${concept}], thresholds: { flag: 0.6 } }]\n`
      const coffee = await sample('coffee.jpg')
      const flaggedBy = (rules: string[]) =>
        waitFor(
          async () => {
            const { body } = await service.upload(coffee, '?wait=30')
            const decision = body as Decision
            return JSON.stringify(decision.recommendation.reason_codes) === JSON.stringify(rules) ? decision : undefined
          },
          { timeoutMs: 20_000, what: `coffee.jpg to be flagged by ${JSON.stringify(rules)}` },
        )
      await writeFile(file, rule('a cup of coffee'))
      await flaggedBy(['sample-rule'])
      await writeFile(file, rule('a volcano'))
      const decision = await flaggedBy([])
      expect(verdict(decision, 'sample-rule')).toMatchObject({ action: 'approve', mode: 'enforce' })
      await writeFile(file, 'id: [')
      const ready = await waitFor(
        async () => {
          const body = await (await service.call('/readyz')).text()
          return body.includes('sample-rule.yaml') ? body : undefined
        },
        { timeoutMs: 10_000, what: 'readyz to name the broken file' },
      )
      expect(ready).toContain('sample-rule.yaml')
      await flaggedBy([])
    })

    test('a shadow policy is recorded and never acts', async () => {
      const file = path.join(service.policies, 'sample-rule.yaml')
      await writeFile(
        file,
        'id: sample-rule\ntitle: T\nmode: shadow\nrules: [{ id: r, concepts: [a cup of coffee], thresholds: { flag: 0.1, reject: 0.2 } }]\n',
      )
      const coffee = await sample('coffee.jpg')
      const decision = await waitFor(
        async () => {
          const { body } = await service.upload(coffee, '?wait=30')
          return verdict(body as Decision, 'sample-rule')?.mode === 'shadow' ? (body as Decision) : undefined
        },
        { timeoutMs: 20_000, what: 'the shadow policy to be active' },
      )
      expect(verdict(decision, 'sample-rule')?.action).toBe('reject')
      expect(decision).toMatchObject({ action: 'approve', recommendation: { reason_codes: [] } })
    })

    test('a file that does not decode goes to review, never to approved', async () => {
      const truncated = (await sample('rocket.jpg')).subarray(0, 40_000)
      const { body } = await service.upload(truncated, '?wait=30')
      expect(body).toMatchObject({
        status: 'decided',
        action: 'flag',
        recommendation: { action: 'review', reason_codes: ['undecodable'] },
        policies: [],
      })
    })

    test('a file that kills its decoder is undecodable after three tries, and its neighbours are decided', async () => {
      const neighbours = await Promise.all(['cat.jpg', 'coffee.jpg', 'temple.jpg', 'flower.jpg'].map(sample))
      const posted = await Promise.all([poison, ...neighbours].map((bytes) => service.upload(bytes)))
      const [bad, ...good] = await Promise.all(posted.map(({ body }) => service.decisionOf(body.id)))
      expect(bad).toMatchObject({ action: 'flag', recommendation: { reason_codes: ['undecodable'] } })
      expect(good.map(({ policies }) => policies.length > 0)).toEqual([true, true, true, true])
      const { rows } = await service.database.query('SELECT attempts FROM pixwarden.uploads WHERE id = $1', [bad?.id])
      expect(rows).toEqual([{ attempts: 3 }])
    })

    test('a killed worker’s uploads are decided by the next one', async () => {
      const [, worker] = service.processes
      const photos = await Promise.all(Array.from({ length: 12 }, (_, i) => sample(i % 2 === 0 ? 'cat.jpg' : 'coffee.jpg')))
      const posted = await Promise.all(photos.map((bytes) => service.upload(bytes)))
      worker?.kill('SIGKILL')
      await service.startWorker()
      const decisions = await Promise.all(posted.map(({ body }) => service.decisionOf(body.id)))
      expect(decisions.map(({ action }) => action)).toEqual(photos.map((_, i) => (i % 2 === 0 ? 'flag' : 'approve')))
    })

    test('uploads that lost their jobs are found by the reconciler', async () => {
      const worker = service.processes.at(-1)
      if (worker) await stopProcess(worker)
      const { body } = await service.upload(await sample('cat.jpg'))
      if (redis) await redis.flush()
      else await service.database.query('DELETE FROM pixwarden_queue.job')
      await service.startWorker()
      expect(await service.decisionOf(body.id)).toMatchObject({ action: 'flag' })
    })

    test('everything stops within 15 s and exits 0', async () => {
      const startedAt = performance.now()
      const codes = await Promise.all(service.processes.filter(({ signalCode }) => signalCode === null).map(stopProcess))
      expect(codes.every((code) => code === 0)).toBe(true)
      expect(performance.now() - startedAt).toBeLessThan(15_000)
    })
  })
})

async function exists(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  )
}

/** A small file whose decoding takes more memory than the service in this file allows: a progressive JPEG's coefficients are all held at once. */
async function costlyImage(): Promise<Buffer> {
  const create = { width: 7000, height: 7000, channels: 3 as const, background: '#888' }
  return sharp({ create }).jpeg({ progressive: true, chromaSubsampling: '4:4:4', quality: 50 }).toBuffer()
}
