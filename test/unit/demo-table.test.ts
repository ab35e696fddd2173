import { expect, test } from 'vitest'
import type { RuleResult } from '../../services/core/domain/decide.ts'
import type { Decision } from '../../services/core/domain/decision.ts'
import { demoTable } from '../../services/standalone/demo-table.ts'

test('each file is a line with the rule that decided it, or that came nearest, or why there is none', () => {
  const table = demoTable([
    {
      file: 'cat.jpg',
      elapsedMs: 51.4,
      decision: decided('flag', {
        weapons: [rule('gun', 'approve', 0.3, 0.4)],
        'live-animals': [rule('reptile', 'approve', 0.1, 0.5), rule('mammal', 'flag', 0.93, 0.6)],
      }),
    },
    {
      file: 'coffee.jpg',
      elapsedMs: 40,
      decision: decided('approve', { a: [rule('x', 'approve', 0.1, 0.9)], b: [rule('y', 'approve', 0.05, 0.1)] }),
    },
    { file: 'torn.jpg', elapsedMs: 7, decision: { ...decided('flag', {}), detail: 'premature end of image' } },
    { file: 'late.jpg', elapsedMs: 30_000, problem: 'no decision within 30 s' },
  ])
  expect(table).toBe(
    `file        action   policy        rule    score                    ms
cat.jpg     flag     live-animals  mammal  0.930 ≥ 0.600            51
coffee.jpg  approve  b             y       0.050 < 0.100            40
torn.jpg    flag                           premature end of image   7
late.jpg    none                           no decision within 30 s  30000
`,
  )
})

function decided(action: Decision['action'], policies: Record<string, RuleResult[]>): Decision {
  return {
    id: '0193',
    status: 'decided',
    action,
    recommendation: { action: action === 'flag' ? 'review' : action, reason_codes: [] },
    policies: Object.entries(policies).map(([id, rules]) => ({ id, version: '1', mode: 'enforce', action, rules })),
    image: { sha256: '', mime: 'image/jpeg', byte_size: 1 },
    timings_ms: {},
    received_at: '',
    decided_at: '',
  }
}

function rule(id: string, action: RuleResult['action'], score: number, threshold: number): RuleResult {
  return { id, action, matched: action !== 'approve', score, threshold }
}
