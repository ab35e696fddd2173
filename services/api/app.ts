import { readFile } from 'node:fs/promises'
import path from 'node:path'
import helmet from '@fastify/helmet'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { packageRoot } from '../core/infra/package-root.ts'
import { answerProblems } from './answer-problems.ts'
import { authenticate } from './authenticate.ts'
import type { ApiContext } from './context.ts'
import { describeApi } from './describe-api.ts'
import { connectionTimeouts, limitConnections } from './limit-connections.ts'
import { logRequests, requestIdOf } from './log-requests.ts'
import { sendProblem, toAppError } from './problem.ts'
import { appealUpload } from './routes/appeal-upload.ts'
import { claimReviews } from './routes/claim-reviews.ts'
import { eraseUpload } from './routes/erase-upload.ts'
import { health } from './routes/health.ts'
import { metricsRoute } from './routes/metrics.ts'
import { readAudit } from './routes/read-audit.ts'
import { readPolicies } from './routes/read-policies.ts'
import { readUploads } from './routes/read-uploads.ts'
import { reportUpload } from './routes/report-upload.ts'
import { resolveReviews } from './routes/resolve-reviews.ts'
import { reviewQueues } from './routes/review-queues.ts'
import { readReviews } from './routes/reviews.ts'
import { submitUpload } from './routes/submit-upload.ts'
import { uploadExplanation } from './routes/upload-explanation.ts'
import { uploadImage } from './routes/upload-image.ts'
import { webhookDeliveries } from './routes/webhook-deliveries.ts'
import { manageWebhooks } from './routes/webhooks.ts'

/** Of every body that is no upload. */
const BODY_BYTES = 65_536

/** The HTTP application. Every route is in its description, and every one under /v1 wants a key. */
export async function createApp(context: ApiContext): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: context.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    bodyLimit: BODY_BYTES,
    // While it closes, what still comes is answered as ever, and its connection closed.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, toAppError(error)),
    ...connectionTimeouts,
  })
  app.setValidatorCompiler(validatorCompiler)
  // Response schemas describe, and bind the handlers by type: checking each answer again would only cost time.
  app.setSerializerCompiler(() => JSON.stringify)

  logRequests(app)
  limitConnections(app)
  answerProblems(app)
  // HTTPS ends at a proxy, which knows about Strict-Transport-Security; without it pages must not ask for an upgrade.
  await app.register(helmet, {
    strictTransportSecurity: false,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  })
  authenticate(app, context.keys)
  await describeApi(app, await packageVersion())
  await app.register(health(context))
  if (context.config.metricsPort === undefined) await app.register(metricsRoute(context))
  await app.register(submitUpload(context))
  await app.register(readUploads(context))
  await app.register(eraseUpload(context))
  await app.register(uploadImage(context))
  await app.register(uploadExplanation(context))
  await app.register(reportUpload(context))
  await app.register(appealUpload(context))
  await app.register(readReviews(context))
  await app.register(reviewQueues(context))
  await app.register(claimReviews(context))
  await app.register(resolveReviews(context))
  await app.register(readPolicies(context))
  await app.register(manageWebhooks(context))
  await app.register(webhookDeliveries(context))
  await app.register(readAudit(context))
  return app
}

async function packageVersion(): Promise<string> {
  return JSON.parse(await readFile(path.join(packageRoot, 'package.json'), 'utf8')).version
}
