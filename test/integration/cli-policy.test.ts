import { truncate } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TestResult } from '../../services/cli/policy/run-tests.ts'
import type { Problem } from '../../services/core/domain/policy.ts'
import { runCli } from '../support/cli.ts'
import { ANIMALS, createWorkspace, type Workspace } from '../support/cli-workspace.ts'

let space: Workspace
beforeEach(async () => {
  space = await createWorkspace()
})
afterEach(() => space.remove())

const CLOSE = ANIMALS.replace('[food,', '[a kitten, food,')

describe('pixwarden policy lint', () => {
  test('has no word against the shipped policies', async () => {
    const { code, stdout } = await runCli(['policy', 'lint', '--strict'])
    expect(stdout).toMatch(/^\d+ good policies, 0 errors, 0 warnings\n$/)
    expect(code).toBe(0)
  })

  test('reports every mistake of every file at its place, and goes on with the good ones', async () => {
    await space.write('policies/a.yaml', 'id: a\ntitle: A\nmode: loud\nrules: []\n')
    await space.write('policies/b.yaml', ANIMALS)
    await space.write('policies/c.yaml', CLOSE.replace('live-animals', 'c').replace('coffee.jpg', 'gone.jpg'))
    const { code, stdout } = await space.lint()
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^policies\/a\.yaml:3:7: error: /),
      'policies/a.yaml:4:8: error: a policy needs at least one rule',
      'policies/b.yaml:1:5: error: the policy id "live-animals" is already taken by animals.yaml',
      expect.stringMatching(/^policies\/c\.yaml:8:16: warning: the contrast "a kitten" is close to the concept "a cat"/),
      'policies/c.yaml:12:14: error: there is no image ../photos/gone.jpg',
      '3 good policies, 4 errors, 1 warning',
      '',
    ])
    expect(code).toBe(1)
  })

  test('lets warnings pass, but not strictly', async () => {
    await space.write('policies/animals.yaml', CLOSE)
    expect(await space.lint()).toMatchObject({ code: 0, stdout: expect.stringContaining(' 1 warning') })
    expect(await space.lint('--strict')).toMatchObject({ code: 1 })
  })

  test('prints problems as JSON', async () => {
    await space.write('policies/animals.yaml', CLOSE)
    const { code, stdout } = await space.lint('--json')
    expect(JSON.parse(stdout) as { problems: Problem[] }).toEqual({
      problems: [
        {
          severity: 'warning',
          file: 'policies/animals.yaml',
          line: 8,
          column: 16,
          message: expect.stringContaining('"a kitten"'),
        },
      ],
    })
    expect(code).toBe(0)
  })

  test('warns of a contrast that a concept names', async () => {
    await space.write(
      'policies/animals.yaml',
      ANIMALS.replace('[a cat,', '[a person holding a cat,').replace('[food,', '[A person, food,'),
    )
    const { stdout } = await space.lint()
    expect(stdout).toContain(
      'animals.yaml:8:16: warning: the contrast "A person" is named by the concept "a person holding a cat":',
    )
  })

  test('refuses a score that the model cannot give', async () => {
    await space.write('policies/animals.yaml', ANIMALS.replace('thresholds:', 'score: sigmoid\n    thresholds:'))
    const { code, stdout } = await space.lint()
    expect(stdout).toMatch(/^policies\/animals\.yaml:6:5: error: rule "animal": .*no logit bias/)
    expect(code).toBe(1)
  })

  test.each([
    ['without a folder', ['nowhere'], /the policies folder nowhere cannot be read/],
    ['in a folder without policies', ['photos'], /photos holds no policies/],
    ['with a model that is not there', ['--model', 'no-such-model'], /no-such-model/],
  ])('cannot run %s', async (_, args, message) => {
    const { code, stderr } = await space.run('policy', 'lint', ...args)
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
})

describe('pixwarden policy test', () => {
  const results = (stdout: string) => (JSON.parse(stdout) as { results: TestResult[] }).results

  test('finds the shipped policies true to their tests', async () => {
    const { code, stdout } = await runCli(['policy', 'test', '--json'])
    expect(results(stdout).filter(({ ok }) => !ok)).toEqual([])
    expect(code).toBe(0)
  })

  test('shows what each test gave', async () => {
    const { code, stdout } = await space.test()
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^ +POLICY +RULE +IMAGE +EXPECT +GOT +SCORE +PROMPT$/),
      expect.stringMatching(
        /^ok +live-animals +animal +\.\.\/photos\/cat\.jpg +flag +flag +0\.\d{3} ≥ 0\.600 +a photo of a cat\.$/,
      ),
      expect.stringMatching(/^ok +live-animals +animal +\.\.\/photos\/coffee\.jpg +approve +approve +0\.\d{3} < 0\.600 /),
      '',
      '2 of 2 as expected',
      '',
    ])
    expect(code).toBe(0)
  })

  test('ends with 1 when an image is judged otherwise', async () => {
    await space.write('policies/animals.yaml', ANIMALS.replace('expect: flag', 'expect: reject'))
    const { code, stdout } = await space.test('--json')
    expect(results(stdout)).toMatchObject([
      {
        policy: 'live-animals',
        rule: 'animal',
        image: '../photos/cat.jpg',
        expect: 'reject',
        got: 'flag',
        threshold: 0.6,
        ok: false,
      },
      { image: '../photos/coffee.jpg', ok: true },
    ])
    expect(code).toBe(1)
  })

  test.each(['shadow', 'off'])('tests a policy in mode %s as if it were enforced', async (mode) => {
    await space.write('policies/animals.yaml', ANIMALS.replace('enforce', mode))
    const { code, stdout } = await space.test()
    expect(stdout).toMatch(new RegExp(`^ok +live-animals \\(${mode}\\) +animal +\\.\\./photos/cat\\.jpg +flag +flag `, 'm'))
    expect(stdout).toContain('2 of 2 as expected; policies in mode shadow or off were tested as if enforced')
    expect(code).toBe(0)
  })

  test('runs one policy alone', async () => {
    await space.write('policies/b.yaml', ANIMALS.replace('live-animals', 'b').replace('expect: flag', 'expect: reject'))
    expect(await space.test('--policy', 'live-animals')).toMatchObject({ code: 0 })
    expect(await space.test('--policy', 'b')).toMatchObject({ code: 1 })
    expect(await space.test('--policy', 'c')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no policy "c", only live-animals, b'),
    })
  })

  test('cannot answer for an image that cannot be decoded', async () => {
    await truncate(space.at('photos/cat.jpg'), 5000)
    const { code, stdout } = await space.test()
    expect(stdout).toMatch(/^ERROR +live-animals +\S* +\.\.\/photos\/cat\.jpg +flag /m)
    expect(code).toBe(2)
  })

  test('refuses broken policies, and policies without tests', async () => {
    await space.write('policies/animals.yaml', ANIMALS.replace('coffee.jpg', 'gone.jpg'))
    expect(await space.test()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('policies/animals.yaml:12:14: error: there is no image ../photos/gone.jpg'),
    })
    await space.write('policies/animals.yaml', ANIMALS.slice(0, ANIMALS.indexOf('tests:')))
    expect(await space.test()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there are no tests to run'),
    })
  })
})
