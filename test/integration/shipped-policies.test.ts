import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runTests } from '../../services/cli/policy/run-tests.ts'
import { readConfig } from '../../services/core/infra/config.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { loadPolicies } from '../../services/core/infra/policy-loader.ts'
import { openModel } from '../../services/worker/clip/open-model.ts'
import { createJudge } from '../../services/worker/judge.ts'
import { figuresOf, formatProportion } from '../calibration/format-measurement.ts'
import { measurePolicies } from '../calibration/measure-policies.ts'
import { skipLoudly } from '../support/skip-loudly.ts'

const policiesDir = path.join(packageRoot, 'policies')
const embeddings = path.join(packageRoot, '../shared/data/embeddings')
const { policies } = await loadPolicies(policiesDir)

test.each(['fast', 'exact'] as const)(
  'the shipped policies do on the sample photos what they say, decoded %s',
  async (preprocess) => {
    const judge = createJudge({ ...readConfig({}), model: await openModel('embedded'), preprocess, log: silentLogger() })
    onTestFinished(() => judge.close())
    const results = await runTests(policies, judge)
    expect(results).toHaveLength(policies.length * 8)
    expect(results.filter(({ ok }) => !ok)).toEqual([])
  },
)

test.skipIf(skipLoudly('figures of the shipped policies', existsSync(embeddings) ? undefined : `there is no ${embeddings}`))(
  'each shipped threshold and the figures beside it are those that the measurement gives',
  async () => {
    const readme = await readFile(path.join(policiesDir, 'README.md'), 'utf8')
    const measured = await measurePolicies(policies, embeddings)
    expect(measured).toHaveLength(policies.length)
    for (const { policy, measurement } of measured) {
      const { recall, precision, falsePositiveRate } = measurement.performance
      const text = await readFile(policy.file, 'utf8')
      expect(measurement.threshold).toBe(measurement.fitted)
      for (const line of figuresOf(measurement)) expect(text).toContain(`#   ${line}`)
      const cells = [
        policy.id,
        measurement.threshold.toFixed(2),
        ...[recall, precision, falsePositiveRate].map(formatProportion),
        policy.mode,
      ]
      expect(readme).toContain(`| ${cells.join(' | ')} |`)
    }
  },
)
