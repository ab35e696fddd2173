import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatProblem, loadPolicies, readPolicyDir } from '../../services/core/infra/policy-loader.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'policies-'))
})
afterEach(() => rm(dir, { recursive: true }))

const write = (name: string, text: string) => writeFile(path.join(dir, name), text)
const policy = (id: string, rest = '', thresholds = '{ flag: 0.5 }') =>
  `id: ${id}\ntitle: T\nmode: enforce\nrules:\n  - id: r\n    concepts: [a cat]\n    thresholds: ${thresholds}\n${rest}`

test('a folder is read in the order of its file names, and other files are left alone', async () => {
  await write('b.yaml', policy('second'))
  await write('a.yml', policy('first'))
  await write('README.md', 'not a policy')
  await write('.draft.yaml', 'id: [')
  const { policies, problems } = await readPolicyDir(dir)
  expect(policies.map(({ id }) => id)).toEqual(['first', 'second'])
  expect(problems).toEqual([])
})

test('two policies with one id are told apart by their files', async () => {
  await write('a.yaml', policy('same'))
  await write('b.yaml', policy('same'))
  const { problems } = await readPolicyDir(dir)
  expect(problems.map(formatProblem)).toEqual([
    `${path.join(dir, 'b.yaml')}:1:5: error: the policy id "same" is already taken by a.yaml`,
  ])
})

test('a test image that is missing is a problem of the line that names it', async () => {
  await write('a.yaml', policy('p', 'tests:\n  - { image: gone.jpg, expect: flag }\n'))
  const { problems } = await readPolicyDir(dir)
  expect(problems).toMatchObject([{ severity: 'error', line: 9, column: 14, message: 'there is no image gone.jpg' }])
})

test('a policy with a mistake of its own is told of missing images and taken ids all the same', async () => {
  await write('a.yaml', policy('same'))
  await write('b.yaml', policy('same', 'tests:\n  - { image: gone.jpg, expect: flg }\n  - 5\n'))
  const { problems } = await readPolicyDir(dir)
  expect(problems.map(({ message }) => message)).toEqual(
    expect.arrayContaining([
      'one of approve, flag, reject is needed',
      'there is no image gone.jpg',
      expect.stringContaining('"same" is already taken'),
    ]),
  )
})

test('the problems of every file come in one error', async () => {
  await write('a.yaml', policy('p').replace('enforce', 'loud'))
  await write('b.yaml', 'id: [')
  await expect(loadPolicies(dir)).rejects.toMatchObject({
    code: 'invalid-policy',
    message: expect.stringMatching(/a\.yaml:3:7: error: .*\n.*b\.yaml:1:\d+: error: /),
  })
})

test.each([
  ['a folder that is not there', () => path.join(dir, 'nowhere')],
  ['a folder without policies', () => dir],
])('%s is an error', async (_, folder) => {
  await expect(loadPolicies(folder())).rejects.toMatchObject({ code: 'invalid-policy' })
})

test('thresholds that the model lacks are an error, unnamed ones a warning under a model of one’s own', async () => {
  await write('a.yaml', policy('mapped', '', '\n      embedded: { flag: 0.5 }'))
  await write('b.yaml', policy('plain'))
  await write('c.yaml', policy('both', '', '\n      embedded: { flag: 0.5 }\n      default: { flag: 0.6 }'))
  const { problems } = await readPolicyDir(dir, { modelId: 'clip-b32' })
  expect(problems).toMatchObject([
    { severity: 'error', file: path.join(dir, 'a.yaml'), line: 7, message: expect.stringContaining('"clip-b32"') },
    { severity: 'warning', file: path.join(dir, 'b.yaml'), line: 7 },
  ])
  expect((await readPolicyDir(dir, { modelId: 'embedded' })).problems).toEqual([])
})
