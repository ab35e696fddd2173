import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { readPolicyDir } from '../../services/core/infra/policy-loader.ts'

const SAMPLES = ['astronaut', 'cat', 'coffee', 'flower', 'hubble', 'portrait', 'rocket', 'temple']
const { policies, problems } = await readPolicyDir(path.join(packageRoot, 'policies'), { modelId: 'embedded' })

test('the policies that ship have no problem, not even a warning', () => {
  expect(problems).toEqual([])
  expect(policies.map(({ id }) => id)).toEqual(['alcohol', 'live-animals', 'snakes-spiders', 'swimwear', 'weapons'])
})

describe.each(policies)('$id', ({ file, mode, limits, rules, tests }) => {
  test('says what the model can and cannot see, and never rejects by machine', () => {
    expect(limits?.length).toBeGreaterThan(100)
    for (const { thresholds } of rules)
      for (const { flag, reject } of Object.values(thresholds)) {
        expect(flag).toBeDefined()
        expect(reject).toBeUndefined()
      }
    expect(mode).not.toBe('off')
  })

  test('is tested on every sample photo', () => {
    expect(tests.map(({ image }) => image).sort()).toEqual(SAMPLES.map((name) => `samples/${name}.jpg`))
  })

  test('writes beside its threshold what was measured', async () => {
    const text = await readFile(file, 'utf8')
    for (const figure of ['recall', 'precision', 'false positives'])
      expect(text).toMatch(new RegExp(`# +${figure} +[01]\\.\\d{3} \\[[01]\\.\\d{3}, [01]\\.\\d{3}\\] \\(\\d+ of \\d+\\)`))
  })
})
