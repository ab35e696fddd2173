import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export const STAGES = ['queue', 'fetch', 'decode', 'inference', 'decide', 'store'] as const
export type Stage = (typeof STAGES)[number]

/**
 * How often the event loop's delay is measured, which the metrics of it include. Each time wakes the process, and at 10 ms nothing else woke a worker as
 * often, busy or idle. Seldom misses no delay that matters: the longer one is, the likelier a measurement falls into it.
 */
export const LOOP_DELAY_EVERY_MS = 50

/** Gauges of prom-client that are named like counters; the ones by type say the same. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export type Metrics = ReturnType<typeof createMetrics>

/** A registry of its own with the metrics of every process of this service; a process uses those that concern it. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_DELAY_EVERY_MS })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return {
    registry,
    uploads: new Counter({
      name: 'pixwarden_uploads_total',
      help: 'Uploads by what intake made of them: accepted, repeated (same idempotency key), or the code of the refusal.',
      labelNames: ['outcome'],
      registers,
    }),
    decisions: new Counter({
      name: 'pixwarden_decisions_total',
      help: 'Verdicts of policies.',
      labelNames: ['policy', 'action', 'mode'],
      registers,
    }),
    stageDuration: new Histogram({
      name: 'pixwarden_stage_duration_seconds',
      help: 'Time an upload spends in each stage of its way.',
      labelNames: ['stage'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    queueJobs: new Gauge({
      name: 'pixwarden_queue_jobs',
      help: 'Jobs in the queue by state.',
      labelNames: ['state'],
      registers,
    }),
    inferenceBatchSize: new Histogram({
      name: 'pixwarden_inference_batch_size',
      help: 'Views in each run of the model.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128],
      registers,
    }),
    inferenceProvider: new Gauge({
      name: 'pixwarden_inference_provider',
      help: 'What the image side of the model runs on: 1 for that execution provider, 0 for those that it has left.',
      labelNames: ['provider'],
      registers,
    }),
    ruleScore: new Histogram({
      name: 'pixwarden_rule_score',
      help: 'Scores of rules.',
      labelNames: ['policy', 'rule'],
      buckets: [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99],
      registers,
    }),
    decodeFailures: new Counter({
      name: 'pixwarden_decode_failures_total',
      help: 'Images that did not decode, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    oldestPending: new Gauge({
      name: 'pixwarden_oldest_pending_seconds',
      help: 'Age of the oldest upload without a decision; 0 when there is none.',
      registers,
    }),
    policyReloadFailures: new Counter({
      name: 'pixwarden_policy_reload_failures_total',
      help: 'Changes of the policy files that were refused; the last good set stayed active.',
      registers,
    }),
    reconciled: new Counter({
      name: 'pixwarden_reconciled_uploads_total',
      help: 'Uploads that were enqueued again because they had neither a decision nor a job.',
      registers,
    }),
    reviewsResolved: new Counter({
      name: 'pixwarden_reviews_resolved_total',
      help: 'Resolutions of reviews, those undone included, by action and by why the review was open.',
      labelNames: ['action', 'origin'],
      registers,
    }),
    reviewsOpen: new Gauge({
      name: 'pixwarden_reviews_open',
      help: 'Reviews that wait for a moderator.',
      registers,
    }),
    oldestReview: new Gauge({
      name: 'pixwarden_oldest_review_seconds',
      help: 'Age of the oldest review that waits for a moderator; 0 when there is none.',
      registers,
    }),
    imagesDeleted: new Counter({
      name: 'pixwarden_images_deleted_total',
      help: 'Bytes of images that were deleted, by reason: approved, not-stored (store=false), erased, reviewed (and the time to appeal is over), unreviewed (too old, and never reviewed), aged (too old), orphan (of no upload).',
      labelNames: ['reason'],
      registers,
    }),
    imageTasks: new Counter({
      name: 'pixwarden_image_tasks_total',
      help: 'What moderators asked to be made of images, by what came of an attempt: done, failed (not tried again for a while), retried, returned (the worker stopped), lost (to another worker, or with its image).',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    imageTaskDuration: new Histogram({
      name: 'pixwarden_image_task_duration_seconds',
      help: 'Time that a rendition or an explanation of an image took to make.',
      labelNames: ['kind'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    webhookDeliveries: new Counter({
      name: 'pixwarden_webhook_deliveries_total',
      help: 'Attempts at deliveries by what came of them: delivered, retry, dead (the last one failed), gone (the endpoint answered 410).',
      labelNames: ['outcome'],
      registers,
    }),
    feedReaders: new Gauge({
      name: 'pixwarden_feed_readers',
      help: 'Readers of the feed, waiting polls included.',
      registers,
    }),
    feedEvents: new Counter({
      name: 'pixwarden_feed_events_total',
      help: 'Events that were handed to readers of the feed, counted for each of them.',
      registers,
    }),
    feedDroppedReaders: new Counter({
      name: 'pixwarden_feed_dropped_readers_total',
      help: 'Readers of the feed whose connection was closed because they did not take what came.',
      registers,
    }),
    webhookBacklog: new Gauge({
      name: 'pixwarden_webhook_backlog',
      help: 'Deliveries in the database by state: pending, or dead until somebody asks for them again.',
      labelNames: ['state'],
      registers,
    }),
  }
}
