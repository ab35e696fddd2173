import { compilePolicy } from '../../services/core/domain/compile-policy.ts'
import { type LoadedPolicy, promptsOf } from '../../services/core/domain/policy.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { createTextCache } from '../../services/worker/clip/text-cache.ts'
import { createTextEncoder } from '../../services/worker/clip/text-encoder.ts'
import { IMAGENET_CLASSES } from './imagenet-classes.ts'
import { readImageNetSample } from './imagenet-sample.ts'
import { type Measurement, measureRule } from './measure-rule.ts'

export type MeasuredRule = { policy: LoadedPolicy; rule: string; measurement: Measurement }

/** Measures the rules of `policies` on embeddings that the embedded model made. Policies without labelled classes are left out. */
export async function measurePolicies(policies: LoadedPolicy[], embeddingsDir: string): Promise<MeasuredRule[]> {
  const samples = await readImageNetSample(embeddingsDir)
  const model = await openModel('embedded')
  const encoder = createTextEncoder(model, { threads: 1 })
  try {
    const texts = await createTextCache(encoder, model).embedAll(policies.flatMap(promptsOf))
    return policies.flatMap((policy) => {
      const classes = IMAGENET_CLASSES[policy.id]
      if (!classes) return []
      return compilePolicy(policy, model.scoring, texts).rules.map((rule) => ({
        policy,
        rule: rule.id,
        measurement: measureRule(rule, classes, samples, model.scoring),
      }))
    })
  } finally {
    await encoder.close()
  }
}
