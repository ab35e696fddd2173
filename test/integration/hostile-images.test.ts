import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../services/core/domain/errors.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createDecoder, type Decoder } from '../../services/worker/image/decoder.ts'

const folder = path.join(packageRoot, '../shared/data/hostile-images')
const missing = !existsSync(folder)
if (missing) console.warn(`SKIPPED: ${folder} is not at hand; no hostile pictures are tried`)

describe.skipIf(missing)('hostile pictures', () => {
  let decoder: Decoder
  beforeAll(() => {
    decoder = createDecoder({
      preprocessing: {
        resize: { kind: 'shortest-edge', edge: 224 },
        width: 224,
        height: 224,
        resample: 'bicubic',
        rescaleFactor: 1 / 255,
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
      mode: 'fast',
      decoders: 2,
      maxPixels: 50_000_000,
      avif: false,
      log: silentLogger(),
    })
  })
  afterAll(() => decoder.close())

  test('each comes out as views or is refused, and the decoders go on', async () => {
    const startedAt = performance.now()
    const outcomes: Record<string, number> = {}
    for (const outcome of await Promise.all((await filesIn(folder)).map(outcomeOf)))
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    console.info('hostile pictures:', outcomes, `in ${Math.round(performance.now() - startedAt)} ms`)
    expect(outcomes.decoded).toBeGreaterThan(100)
    expect(outcomes.undecodable).toBeGreaterThan(100)
    expect((await decoder.decode(path.join(packageRoot, 'policies/samples/cat.jpg'))).views).toHaveLength(1)
  })

  async function outcomeOf(file: string): Promise<string> {
    try {
      const { views, mime } = await decoder.decode(file)
      expect(['image/jpeg', 'image/png', 'image/webp', 'image/gif']).toContain(mime)
      expect(views.map(({ pixels }) => pixels.length)).toEqual(views.map(() => 224 * 224 * 3))
      return 'decoded'
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return error.code === 'undecodable' ? error.code : `${error.code}: ${error.details?.reason}`
    }
  }
})

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name))
}
