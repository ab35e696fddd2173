import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../services/core/infra/logger.ts'
import type { Preprocessing } from '../../services/worker/clip/preprocessing.ts'
import { createSpareDecoder, type SpareDecoder } from '../../services/worker/image/spare-decoder.ts'
import { decodersOf, procMissing } from '../support/decoder-processes.ts'
import { SAMPLES } from '../support/service.ts'
import { waitFor } from '../support/wait-for.ts'

const CAT = path.join(SAMPLES, 'cat.jpg')

let decoder: SpareDecoder
afterEach(() => decoder?.close())

const preprocessing: Preprocessing = {
  resize: { kind: 'shortest-edge', edge: 64 },
  width: 64,
  height: 64,
  resample: 'bicubic',
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}

function open(idleMs: number): SpareDecoder {
  const options = { preprocessing, mode: 'fast', maxPixels: 50_000_000, avif: false, log: silentLogger() } as const
  decoder = createSpareDecoder(options, { idleMs })
  return decoder
}

describe.skipIf(procMissing())('a spare decoder', () => {
  test('is one process, that is there only while it is used, and comes back when it is needed again', async () => {
    open(50)
    expect(decodersOf(process.pid)).toEqual([])
    const [rendered, decoded] = await Promise.all([decoder.render(CAT, 'display'), decoder.decode(CAT)])
    expect(rendered).toMatchObject({ mime: 'image/webp' })
    expect(decoded.views).toHaveLength(1)
    await waitFor(() => decodersOf(process.pid).length === 0, { what: 'it to end' })
    expect((await decoder.render(CAT, 'blurred')).bytes.length).toBeGreaterThan(100)
  })

  test('stays between uses that follow soon', async () => {
    open(60_000)
    await decoder.render(CAT, 'blurred')
    const before = decodersOf(process.pid)
    await decoder.render(CAT, 'display')
    expect(decodersOf(process.pid)).toEqual(before)
    expect(before).toHaveLength(1)
  })

  test('is gone after close, and what it had in hand is told', async () => {
    open(60_000)
    const waiting = expect(decoder.render(CAT, 'display')).rejects.toMatchObject({ details: { reason: 'closed' } })
    await decoder.close()
    await waiting
    expect(decodersOf(process.pid)).toEqual([])
    await expect(decoder.render(CAT, 'display')).rejects.toMatchObject({ details: { reason: 'closed' } })
  })
})
