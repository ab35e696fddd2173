import type { Counter, Gauge, Histogram } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { createMetrics, STAGES } from '../../services/core/infra/metrics.ts'
import { promtool, promtoolMissing } from '../support/promtool.ts'

/** By name, the labels that dashboards and alerts rely on. */
const PUBLISHED = {
  pixwarden_uploads_total: { outcome: 'accepted' },
  pixwarden_decisions_total: { policy: 'animals', action: 'flag', mode: 'enforce' },
  pixwarden_stage_duration_seconds: { stage: 'decode' },
  pixwarden_queue_jobs: { state: 'waiting' },
  pixwarden_inference_batch_size: {},
  pixwarden_rule_score: { policy: 'animals', rule: 'animal' },
  pixwarden_decode_failures_total: { reason: 'undecodable' },
  pixwarden_oldest_pending_seconds: {},
  pixwarden_policy_reload_failures_total: {},
  pixwarden_reconciled_uploads_total: {},
  pixwarden_reviews_resolved_total: { action: 'approve', origin: 'decision' },
  pixwarden_reviews_open: {},
  pixwarden_oldest_review_seconds: {},
}

/** Every metric with a value, as a busy process has them. */
async function exposition(): Promise<string> {
  const { registry } = createMetrics()
  for (const [name, labels] of Object.entries(PUBLISHED)) {
    const metric = registry.getSingleMetric(name) as unknown as Counter | Gauge | Histogram
    if ('observe' in metric) metric.observe(labels, 0.5)
    else metric.inc(labels)
  }
  return await registry.metrics()
}

describe('metrics', () => {
  test('have the names and labels that dashboards rely on', async () => {
    const text = await exposition()
    for (const [name, labels] of Object.entries(PUBLISHED)) {
      const labelled = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      const lines = text.split('\n').filter((line) => line.startsWith(name))
      expect(
        lines.filter((line) => labelled.every((label) => line.includes(label))),
        name,
      ).not.toEqual([])
    }
  })

  test('tell the stages of an upload apart', async () => {
    const { registry, stageDuration } = createMetrics()
    for (const stage of STAGES) stageDuration.observe({ stage }, 0.01)
    const text = await registry.metrics()
    for (const stage of STAGES) expect(text).toContain(`pixwarden_stage_duration_seconds_count{stage="${stage}"} 1`)
  })

  test('belong to their process: two sets in one do not collide', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.reconciled.inc(3)
    expect(await other.registry.metrics()).toContain('pixwarden_reconciled_uploads_total 0')
  })

  test.skipIf(promtoolMissing())('are as Prometheus wants them, those of the runtime too', async () => {
    const text = await exposition()
    expect(text).toContain('process_cpu_seconds_total')
    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' })
  })
})
