import path from 'node:path'
import { parseArgs } from 'node:util'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { loadPolicies } from '../../services/core/infra/policy-loader.ts'
import { figuresOf, formatProportion } from './format-measurement.ts'
import { type MeasuredRule, measurePolicies } from './measure-policies.ts'

const { values } = parseArgs({
  options: {
    embeddings: { type: 'string' },
    policies: { type: 'string', default: path.join(packageRoot, 'policies') },
    names: { type: 'boolean', default: false },
  },
})
if (values.embeddings === undefined) {
  console.error('usage: node dist/test/calibration/fit-policies.js --embeddings DIR [--policies DIR] [--names]')
  process.exit(2)
}

const { policies } = await loadPolicies(values.policies, { modelId: 'embedded' })
for (const measured of await measurePolicies(policies, values.embeddings)) console.log(describe(measured, values.names))

function describe({ policy, rule, measurement }: MeasuredRule, withNames: boolean): string {
  const { fitted, threshold, recallByGroup, falseAlarms, missed, flaggedAmbiguous } = measurement
  const groups = Object.entries(recallByGroup).map(([group, recall]) => `  ${group}: ${formatProportion(recall)}`)
  const names = { 'false alarms': falseAlarms, missed, 'ambiguous, flagged': flaggedAmbiguous }
  return [
    `${policy.id}/${rule}: flag at ${threshold}; at 1 % false positives ${fitted}`,
    ...figuresOf(measurement).map((line) => `  ${line}`),
    'recall by group',
    ...groups,
    ...(withNames ? Object.entries(names).map(([what, listed]) => `${what}: ${listed.join(', ') || 'none'}`) : []),
    '',
  ].join('\n')
}
