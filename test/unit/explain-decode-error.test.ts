import { expect, test } from 'vitest'
import { explainDecodeError, isOutOfMemory } from '../../services/worker/image/explain-decode-error.ts'

const PATH = '/var/lib/blobs/tenant/0193'
const explain = (message: string) => explainDecodeError(new Error(message), PATH)

test('a refusal is said in plain words', () => {
  expect(explain('Input file contains unsupported image format')).toBe('not a picture of a format that is let in')
  expect(explain('Input image exceeds pixel limit')).toBe('too many pixels')
  expect(explain(`Input file is missing: ${PATH}`)).toBe('the file is missing')
})

test('what is damaged is said in one short line that does not tell where the file lies', () => {
  const said = explain(`${PATH}: bad data\nVipsJpeg: premature end\n${'x'.repeat(1000)}`)
  expect(said).toBe('damaged: file: bad data')
  expect(explain('Input file has corrupt header: \ngifload: no frames')).toBe('damaged: gifload: no frames')
  expect(explain('y'.repeat(1000)).length).toBeLessThan(200)
})

test('want of memory is told from damage', () => {
  expect(isOutOfMemory(new Error('vips_tracked: out of memory --- size == 200MB'))).toBe(true)
  expect(isOutOfMemory(new RangeError('Array buffer allocation failed'))).toBe(true)
  expect(isOutOfMemory(new Error('VipsJpeg: premature end of JPEG image'))).toBe(false)
})
