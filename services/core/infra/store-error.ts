import { AppError, hasCode } from '../domain/errors.ts'

const NETWORK_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]

/** SQLSTATEs of a server that cannot serve now: no connection, no resources, shut down, timed out, deadlocked, or a standby after a failover. */
const SERVER_STATES = /^(08...|53...|57P0[1-5]|57014|55P03|25006|40001|40P01)$/

/** How pg refuses a statement on a connection that is known to be broken. */
const NOT_SENT = 'Client has encountered a connection error'

/** What pg throws without a code. */
const MESSAGES = ['timeout exceeded when trying to connect', 'Connection terminated', 'Query read timeout', NOT_SENT]

/** A statement was sent and its answer never came: it may have been carried out all the same. */
class Unanswered extends Error {}

/** An error of pg as this service throws it: AppError `store-unavailable` when PostgreSQL cannot serve now, else the error itself. */
export function asStoreError(error: unknown): unknown {
  return isUnavailable(error) ? unavailable(error) : error
}

/** The same, of an error that came after a statement was sent. */
export function asStatementError(error: unknown): unknown {
  if (!isUnavailable(error)) return error
  return unavailable(isUndone(error) ? error : new Unanswered('a statement was not answered', { cause: error }))
}

/** Whether what was asked of the database with this outcome may have been done all the same. */
export function mayBeDone(error: unknown): boolean {
  return hasCode(error, 'store-unavailable') && error.cause instanceof Unanswered
}

function unavailable(cause: unknown): AppError {
  return new AppError('store-unavailable', 'the database does not answer', { cause })
}

/** The server said no, or was never asked. A no that ends the connection may come after the deed. */
function isUndone(error: unknown): boolean {
  const { code, severity, message } = error as { code?: unknown; severity?: unknown; message: string }
  if (message.startsWith(NOT_SENT)) return true
  return typeof code === 'string' && SERVER_STATES.test(code) && severity === 'ERROR'
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isUnavailable)
  if (!(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && (NETWORK_CODES.includes(code) || SERVER_STATES.test(code))) return true
  return MESSAGES.some((message) => error.message.startsWith(message))
}
