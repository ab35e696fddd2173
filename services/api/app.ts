import { readFile } from 'node:fs/promises'
import path from 'node:path'
import helmet from '@fastify/helmet'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { packageRoot } from '../core/infra/package-root.ts'
import type { TrustedProxies } from '../core/infra/parse-trusted-proxies.ts'
import { answerProblems } from './answer-problems.ts'
import { authenticate } from './authenticate.ts'
import type { ApiContext } from './context.ts'
import { createCredentials } from './credentials.ts'
import { describeApi } from './describe-api.ts'
import { connectionTimeouts, limitConnections } from './limit-connections.ts'
import { logRequests, requestIdOf } from './log-requests.ts'
import { sendProblem, toAppError } from './problem.ts'
import { appealUpload } from './routes/appeal-upload.ts'
import { claimReviews } from './routes/claim-reviews.ts'
import { serveDashboard } from './routes/dashboard.ts'
import { eraseUpload } from './routes/erase-upload.ts'
import { readFeed } from './routes/feed.ts'
import { health } from './routes/health.ts'
import { manageKeys } from './routes/keys.ts'
import { metricsRoute } from './routes/metrics.ts'
import { overview } from './routes/overview.ts'
import { policyScores } from './routes/policy-scores.ts'
import { policyVersions } from './routes/policy-versions.ts'
import { policyWhatIf } from './routes/policy-what-if.ts'
import { readAudit } from './routes/read-audit.ts'
import { readPolicies } from './routes/read-policies.ts'
import { readUploads } from './routes/read-uploads.ts'
import { reportUpload } from './routes/report-upload.ts'
import { resolveReviews } from './routes/resolve-reviews.ts'
import { reviewQueues } from './routes/review-queues.ts'
import { readReviews } from './routes/reviews.ts'
import { manageSession } from './routes/session.ts'
import { similarUploads } from './routes/similar-uploads.ts'
import { submitUpload } from './routes/submit-upload.ts'
import { uploadExplanation } from './routes/upload-explanation.ts'
import { uploadImage } from './routes/upload-image.ts'
import { uploadReview } from './routes/upload-review.ts'
import { uploaderHistory } from './routes/uploader-history.ts'
import { webhookDeliveries } from './routes/webhook-deliveries.ts'
import { manageWebhooks } from './routes/webhooks.ts'

/** Of every body that is no upload. */
const BODY_BYTES = 65_536

/** The HTTP application. Every route is in its description, and every one under /v1 but signing in wants a key or a session. */
export async function createApp(context: ApiContext): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: context.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    bodyLimit: BODY_BYTES,
    trustProxy: trustOf(context.config.trustProxy),
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
  const credentials = createCredentials(context)
  await authenticate(app, credentials)
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
  await app.register(uploadReview(context))
  await app.register(reviewQueues(context))
  await app.register(claimReviews(context))
  await app.register(resolveReviews(context))
  await app.register(readPolicies(context))
  await app.register(policyVersions(context))
  await app.register(policyScores(context))
  await app.register(policyWhatIf(context))
  await app.register(overview(context))
  await app.register(similarUploads(context))
  await app.register(uploaderHistory(context))
  await app.register(manageWebhooks(context))
  await app.register(webhookDeliveries(context))
  await app.register(readAudit(context))
  await app.register(readFeed(context))
  await app.register(manageSession(context, credentials))
  await app.register(manageKeys(context, credentials))
  await app.register(serveDashboard())
  return app
}

/** fastify itself takes no number of proxies: whoever reaches the api past them is believed too. Who sets one sees to that. */
function trustOf(trusted: TrustedProxies): boolean | string[] | ((address: string, hop: number) => boolean) {
  return typeof trusted === 'number' ? (_address, hop) => hop < trusted : trusted
}

async function packageVersion(): Promise<string> {
  return JSON.parse(await readFile(path.join(packageRoot, 'package.json'), 'utf8')).version
}
