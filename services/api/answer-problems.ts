import type { FastifyInstance } from 'fastify'
import { AppError, hasCode } from '../core/domain/errors.ts'
import { rateLimitedLog } from '../core/infra/rate-limited-log.ts'
import { sendProblem, toAppError } from './problem.ts'

/** Answers every error, and every path that is not there, with a problem. Ours are logged, those of an outage at a limited rate. */
export function answerProblems(app: FastifyInstance): void {
  const logOutage = rateLimitedLog(app.log)
  app.setErrorHandler((thrown: Error, request, reply) => {
    if (isAbandoned(request.raw)) {
      request.log.info('the client went away before it had sent everything')
      return reply.send()
    }
    const error = toAppError(thrown)
    const { log } = request
    if (hasCode(error, 'store-unavailable', 'storage-full')) logOutage(error, error.message, log)
    sendProblem(request, reply, error)
    if (reply.statusCode === 500) log.error({ err: thrown }, thrown.message)
    return reply
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new AppError('not-found', `there is no ${request.method} ${request.url.split('?')[0]}`)),
  )
}

/** The client closed its connection, or lost it, in the middle of its request. */
export function isAbandoned({ destroyed, complete }: { destroyed: boolean; complete: boolean }): boolean {
  return destroyed && !complete
}
