import { expect, test } from 'vitest'
import { AppError, hasCode } from '../../services/core/domain/errors.ts'

test('an error is known by its code, and keeps its cause and details', () => {
  const cause = new Error('disk full')
  const error = new AppError('storage-full', 'no room for the image', { cause, details: { byteSize: 7 } })
  expect(error).toMatchObject({ name: 'AppError', message: 'no room for the image', cause, details: { byteSize: 7 } })
  expect(hasCode(error, 'storage-full')).toBe(true)
  expect(hasCode(error, 'not-found', 'storage-full')).toBe(true)
  expect(hasCode(error, 'not-found')).toBe(false)
})

test('what only looks like it has no code', () => {
  expect(hasCode(Object.assign(new Error(), { code: 'not-found' }), 'not-found')).toBe(false)
  expect(hasCode(undefined, 'not-found')).toBe(false)
  expect(new AppError('internal', 'no cause')).not.toHaveProperty('cause')
})
