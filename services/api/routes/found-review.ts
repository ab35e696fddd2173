import { AppError } from '../../core/domain/errors.ts'

/** Throws AppError `not-found` when there is none. */
export function foundReview<T>(review: T | undefined, id: string): T {
  if (review === undefined) throw new AppError('not-found', `there is no review ${id}`)
  return review
}
