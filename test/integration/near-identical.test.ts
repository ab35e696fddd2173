import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openJudge } from '../../services/cli/open-judge.ts'
import { dot } from '../../services/core/domain/vector.ts'
import { readConfig } from '../../services/core/infra/config.ts'
import { NEAR_IDENTICAL } from '../../services/core/infra/insight-store.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import type { Judge } from '../../services/worker/judge.ts'
import { SAMPLES, sample } from '../support/service.ts'

type Copy = (bytes: Buffer, size: { width: number; height: number }) => Sharp

const COPIES: Record<string, Copy> = {
  'saved again as JPEG of quality 60': (bytes) => sharp(bytes).jpeg({ quality: 60 }),
  'doubled in size': (bytes, { width }) =>
    sharp(bytes)
      .resize(2 * width)
      .jpeg(),
  'trimmed by 5 %': (bytes, { width, height }) => {
    const [left, top] = [Math.round(width * 0.025), Math.round(height * 0.025)]
    return sharp(bytes)
      .extract({ left, top, width: width - 2 * left, height: height - 2 * top })
      .jpeg()
  },
  '30 % brighter': (bytes) => sharp(bytes).modulate({ brightness: 1.3 }).jpeg(),
  'with a logo in its corner': (bytes, { height }) => {
    const side = Math.round(height * 0.12)
    const logo = { create: { width: 2 * side, height: side, channels: 3 as const, background: '#fff' } }
    return sharp(bytes)
      .composite([{ input: logo, gravity: 'southeast' }])
      .jpeg()
  },
}

describe('on the embedded model', () => {
  let judge: Judge
  let dir: string
  const photos = new Map<string, Float32Array>()

  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-near-'))
    judge = openJudge(readConfig({}), await openModel('embedded'))
    const names = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg'))
    for (const name of names) photos.set(name, await embed(await sample(name)))
  })
  afterAll(async () => {
    await judge?.close()
    await rm(dir, { recursive: true, force: true })
  })

  async function embed(bytes: Buffer): Promise<Float32Array> {
    const file = path.join(dir, 'picture')
    await writeFile(file, bytes)
    const [whole] = (await judge.judge(file)).embeddings
    if (!whole) throw new Error('no view')
    return whole.embedding
  }

  test.each(Object.entries(COPIES))('each sample photo %s counts as nearly identical', async (_what, copy) => {
    for (const [name, embedding] of photos) {
      const bytes = await sample(name)
      const { width, height } = await sharp(bytes).metadata()
      const again = await embed(await copy(bytes, { width, height }).toBuffer())
      expect(dot(embedding, again), name).toBeGreaterThanOrEqual(NEAR_IDENTICAL)
    }
  })

  test('no two of the sample photos do', () => {
    const all = [...photos.values()]
    const cosines = all.flatMap((one, index) => all.slice(index + 1).map((other) => dot(one, other)))
    expect(cosines).toHaveLength(28)
    expect(Math.max(...cosines)).toBeLessThan(0.6)
  })
})
