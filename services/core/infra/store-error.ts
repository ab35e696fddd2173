import { AppError } from '../domain/errors.ts'

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

/** What pg throws without a code. */
const MESSAGES =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error)/

/** An error of pg as this service throws it: AppError `store-unavailable` when PostgreSQL cannot serve now, else the error itself. */
export function asStoreError(error: unknown): unknown {
  return isUnavailable(error) ? new AppError('store-unavailable', 'the database does not answer', { cause: error }) : error
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isUnavailable)
  if (!(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && (NETWORK_CODES.includes(code) || SERVER_STATES.test(code))) return true
  return MESSAGES.test(error.message)
}
