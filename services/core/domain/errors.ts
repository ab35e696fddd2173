/** Every way in which this service says no. The API maps a code to a status in one place. */
export type ErrorCode =
  | 'empty-body'
  | 'invalid-request'
  | 'unsupported-media-type'
  | 'payload-too-large'
  | 'too-many-pixels'
  | 'unauthenticated'
  | 'forbidden'
  | 'csrf'
  | 'not-found'
  | 'erased'
  | 'image-gone'
  | 'image-undecodable'
  | 'image-not-ready'
  | 'explanation-unavailable'
  | 'idempotency-key-in-use'
  | 'idempotency-key-reused'
  | 'forbidden-target'
  | 'fetch-failed'
  | 'last-admin-key'
  | 'not-decided'
  | 'review-claimed'
  | 'review-resolved'
  | 'undo-expired'
  | 'too-many-queues'
  | 'webhook-disabled'
  | 'too-many-webhooks'
  | 'too-many-readers'
  | 'rate-limited'
  | 'overloaded'
  | 'storage-full'
  | 'store-unavailable'
  | 'undecodable'
  | 'decoder-failed'
  | 'model-failed'
  | 'invalid-model'
  | 'invalid-policy'
  | 'invalid-config'
  | 'internal'

export type AppErrorOptions = { cause?: unknown; details?: Record<string, unknown> }

export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, { cause, details }: AppErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'AppError'
    this.code = code
    this.details = details
  }
}

export function hasCode<C extends ErrorCode>(error: unknown, ...codes: C[]): error is AppError & { code: C } {
  return error instanceof AppError && (codes as ErrorCode[]).includes(error.code)
}
