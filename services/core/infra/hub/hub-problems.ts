import type { Dispatcher } from 'undici'
import { AppError } from '../../domain/errors.ts'
import { parseRetryAfter } from '../../domain/retry-after.ts'

type Asked = { repo: string; revision: string; endpoint: string; path?: string }

/** What passes: asked again a little later it may well be answered. `waitMs` is what the server asks for. */
export class PassingProblem extends Error {
  readonly waitMs: number | undefined

  constructor(message: string, { waitMs, cause }: { waitMs?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause })
    this.name = 'PassingProblem'
    this.waitMs = waitMs
  }
}

/** Aborting is no problem of the hub's, and is thrown as it is. */
export function unreachable(at: URL, cause: unknown): unknown {
  if (cause instanceof Error && cause.name === 'AbortError') return cause
  return new PassingProblem(`${at.origin} cannot be reached: ${messageOf(cause)}`, { cause })
}

/** An answer other than the file, in words: a PassingProblem, or an AppError `fetch-failed`. */
export async function refusal(response: Dispatcher.ResponseData, asked: Asked): Promise<Error> {
  const { statusCode: status, headers } = response
  await response.body.dump()
  const said = header(headers['x-error-message'])
  if (status === 429 || status === 408 || status >= 500) {
    const waitMs = parseRetryAfter(header(headers['retry-after']), new Date())
    return new PassingProblem(`${asked.endpoint} answers ${status}${said === undefined ? '' : `: ${said}`}`, { waitMs })
  }
  return new AppError(
    'fetch-failed',
    inWords(status, header(headers['x-error-code']), asked) ??
      `${nameOf(asked)}: the hub answers ${status}${said === undefined ? '' : `, "${said}"`}`,
  )
}

/** The hub answers 401 for a repository that does not exist, too, so as not to tell of private ones. */
function inWords(status: number, code: string | undefined, asked: Asked): string | undefined {
  const { repo, revision, path, endpoint } = asked
  if (code === 'GatedRepo' || status === 403)
    return `${repo} is gated: accept its terms at ${endpoint}/${repo} and set HF_TOKEN to a token of that account`
  if (code === 'RepoNotFound' || status === 401)
    return `there is no public model ${repo} on ${endpoint}; for a private one set HF_TOKEN to a token that may read it`
  if (code === 'RevisionNotFound') return `${repo} has no revision ${revision}`
  if (status === 404)
    return path === undefined
      ? `${endpoint} knows no model ${repo} with a revision ${revision}`
      : `${repo} has no file ${path} at ${revision}`
  return undefined
}

function nameOf({ repo, path }: Asked): string {
  return path === undefined ? repo : `${repo}/${path}`
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return messageOf(cause.errors[0])
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
