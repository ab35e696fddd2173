import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, symlink } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FailedFile, JudgedFile } from '../../services/cli/scan/scan-result.ts'
import { MAIN, runCli, startCli } from '../support/cli.ts'
import { ANIMALS, createWorkspace, SAMPLE_PHOTOS, type Workspace } from '../support/cli-workspace.ts'
import { skipLoudly } from '../support/skip-loudly.ts'

type Line = JudgedFile & FailedFile & { embeddings: { view: string; vector: number[] }[] }

let space: Workspace
beforeEach(async () => {
  space = await createWorkspace()
})
afterEach(() => space.remove())

const linesOf = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

describe('pixwarden scan', () => {
  test('flags the cat and approves the coffee, by the shipped policies', async () => {
    const { code, stdout } = await runCli([
      'scan',
      '--json',
      path.join(SAMPLE_PHOTOS, 'cat.jpg'),
      path.join(SAMPLE_PHOTOS, 'coffee.jpg'),
    ])
    const [cat, coffee] = JSON.parse(stdout) as Line[]
    expect(cat).toMatchObject({ action: 'flag', recommendation: { action: 'review', reason_codes: ['live-animals'] } })
    expect(coffee).toMatchObject({ action: 'approve', recommendation: { action: 'approve', reason_codes: [] } })
    expect(code).toBe(1)
  })

  test('judges AVIF where the service takes it', async () => {
    await space.write('avif/cat.avif', await sharp(space.at('photos/cat.jpg')).avif({ effort: 0 }).toBuffer())
    const scan = (env: Record<string, string>) =>
      runCli(['scan', '--jsonl', '--policies', 'policies', 'avif'], { cwd: space.dir, env })
    expect(linesOf((await scan({ PIXWARDEN_AVIF: 'on' })).stdout)).toMatchObject([{ file: 'avif/cat.avif', action: 'flag' }])
    expect(await scan({})).toMatchObject({ code: 2, stdout: '' })
  })

  test('shows a file as the API shows a decision', async () => {
    const { code, stdout, stderr } = await space.scan('--jsonl', 'photos/cat.jpg')
    expect(linesOf(stdout)).toEqual([
      {
        file: 'photos/cat.jpg',
        action: 'flag',
        recommendation: { action: 'review', reason_codes: ['live-animals'] },
        policies: [
          {
            id: 'live-animals',
            version: expect.stringMatching(/^[0-9a-f]{64}$/),
            mode: 'enforce',
            action: 'flag',
            rules: [
              {
                id: 'animal',
                action: 'flag',
                matched: true,
                score: expect.closeTo(0.9, 0),
                threshold: 0.6,
                prompt: 'a photo of a cat.',
                contrast: expect.stringMatching(/^a photo of /),
                view: expect.any(String),
              },
            ],
          },
        ],
        model: { id: 'embedded', revision: expect.stringMatching(/^[0-9a-f]{64}$/) },
        image: { width: 451, height: 300 },
        timings_ms: { decode: expect.any(Number), inference: expect.any(Number), decide: expect.any(Number) },
      },
    ])
    expect(stderr).toBe('1 image: 0 approved, 1 flagged, 0 rejected, 0 errors\n')
    expect(code).toBe(1)
  })

  test('ends with 0 when everything is approved', async () => {
    const { code, stdout } = await space.scan('photos/coffee.jpg')
    expect(stdout).toContain('1 image: 1 approved, 0 flagged, 0 rejected, 0 errors')
    expect(code).toBe(0)
  })

  test('prints a table that begins with what was flagged, and says by how much', async () => {
    await space.photo('rocket.jpg', 'photos/a-rocket.jpg')
    const { stdout } = await space.scan('photos')
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^ACTION +FILE +POLICY\/RULE +SCORE +PROMPT$/),
      expect.stringMatching(/^flag +photos\/cat\.jpg +live-animals\/animal +0\.\d{3} ≥ 0\.600 +a photo of a cat\.$/),
      expect.stringMatching(/^approve +photos\/a-rocket\.jpg +live-animals\/animal +0\.\d{3} < 0\.600 +a photo of a /),
      expect.stringMatching(/^approve +photos\/coffee\.jpg /),
      '',
      '3 images: 2 approved, 1 flagged, 0 rejected, 0 errors',
      '',
    ])
  })

  test('walks folders in the order of names, by what files hold and not by what they are called', async () => {
    await space.photo('flower.jpg', 'tree/b/flower.txt')
    await space.photo('temple.jpg', 'tree/a/temple.jpg')
    await space.photo('rocket.jpg', 'tree/.hidden.jpg')
    await space.photo('rocket.jpg', 'tree/.git/rocket.jpg')
    await space.write('tree/notes.jpg', 'no picture')
    await space.write('tree/empty.jpg', '')
    await symlink('..', space.at('tree/b/around'))
    await symlink(space.at('photos/coffee.jpg'), space.at('tree/c-link.jpg'))
    await symlink('nowhere', space.at('tree/d-dangling.jpg'))
    const { code, stdout, stderr } = await space.scan('--jsonl', 'tree')
    expect(linesOf(stdout).map(({ file }) => file)).toEqual(['tree/a/temple.jpg', 'tree/b/flower.txt', 'tree/c-link.jpg'])
    expect(stderr).toContain('skipped: 2 files that are not JPEG, PNG, WebP or GIF')
    expect(code).toBe(0)
  })

  test('judges the others when one image is truncated, and ends with 2', async () => {
    const whole = await readFile(path.join(SAMPLE_PHOTOS, 'rocket.jpg'))
    await space.write('photos/a-broken.jpg', whole.subarray(0, whole.length / 2))
    const { code, stdout } = await space.scan('--jsonl', 'photos')
    expect(linesOf(stdout)).toMatchObject([
      { file: 'photos/a-broken.jpg', error: { code: 'undecodable', message: expect.any(String) } },
      { file: 'photos/cat.jpg', action: 'flag' },
      { file: 'photos/coffee.jpg', action: 'approve' },
    ])
    expect(code).toBe(2)
  })

  test('says of a named file that it is missing or no image, and judges the others', async () => {
    await space.write('notes.txt', 'no picture')
    const { code, stdout } = await space.scan('--jsonl', 'gone.jpg', 'notes.txt', '/dev/null', 'photos/coffee.jpg')
    expect(linesOf(stdout)).toMatchObject([
      { file: 'gone.jpg', error: { code: 'not-found' } },
      { file: 'notes.txt', error: { code: 'unsupported-media-type' } },
      { file: '/dev/null', error: { code: 'unsupported-media-type' } },
      { file: 'photos/coffee.jpg', action: 'approve' },
    ])
    expect(code).toBe(2)
  })

  const isRoot = skipLoudly('scanning what may not be read', process.getuid?.() === 0 ? 'root may read everything' : undefined)
  test.skipIf(isRoot)('says which file may not be read', async () => {
    await chmod(space.at('photos/cat.jpg'), 0)
    const { code, stdout } = await space.scan('--jsonl', 'photos')
    expect(linesOf(stdout)).toMatchObject([{ error: { code: 'forbidden' } }, { action: 'approve' }])
    expect(code).toBe(2)
  })

  test('adds unit vectors on request', async () => {
    const { stdout } = await space.scan('--json', '--embeddings', 'photos/cat.jpg')
    const [{ embeddings }] = JSON.parse(stdout) as [Line]
    expect(embeddings).toHaveLength(1)
    expect(embeddings[0]?.vector).toHaveLength(384)
    expect(Math.hypot(...(embeddings[0]?.vector ?? []))).toBeCloseTo(1, 5)
  })

  test('tells what a policy in shadow would do, and lets it do nothing', async () => {
    await space.write('policies/animals.yaml', ANIMALS.replace('mode: enforce', 'mode: shadow'))
    const { code, stdout } = await space.scan('photos')
    expect(stdout).toMatch(/^\(flag\) +photos\/cat\.jpg +live-animals\/animal/m)
    expect(stdout).toContain(
      '2 images: 2 approved, 0 flagged, 0 rejected, 0 errors\nwould also be flagged by policies in shadow: live-animals 1',
    )
    expect(code).toBe(0)
  })

  test('cannot be made to write to the terminal by a file name', async () => {
    await space.photo('coffee.jpg', 'photos/\x1b[2J\x9b31m.jpg')
    const { stdout } = await space.scan('photos')
    expect(stdout).toContain('photos/\\x1b[2J\\x9b31m.jpg')
    expect(stdout).not.toContain('\x1b')
    expect(stdout).not.toContain('\x9b')
  })

  test('finds nothing to judge in an empty folder, which is an error', async () => {
    await mkdir(space.at('empty'))
    const { code, stdout } = await space.scan('--json', 'empty')
    expect(JSON.parse(stdout)).toEqual([])
    expect(code).toBe(2)
  })

  test('takes another model and the exact preprocessing', async () => {
    const { code, stdout } = await space.run(
      'scan',
      '--jsonl',
      '--preprocess',
      'exact',
      '--model',
      path.join(SAMPLE_PHOTOS, '../../models/embedded'),
      'photos',
    )
    expect(linesOf(stdout).map(({ action }) => action)).toEqual(['flag', 'approve'])
    expect(code).toBe(1)
  })
})

const noScript = skipLoudly('the progress bar', spawnSync('script', ['--version']).error && 'there is no script(1)')

test.skipIf(noScript)('a terminal shows a bar with rate and time left, which is gone before the table', async () => {
  const command = `${process.execPath} ${MAIN} scan --policies policies photos`
  const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], { cwd: space.dir }).catch(
    (error: { stdout: string }) => error,
  )
  expect(stdout).toMatch(/100% · 2\/2 · \d+\.\d images\/s · 0s left[^█]*\nflag +photos\/cat\.jpg/)
})

describe('pixwarden scan refuses', () => {
  test.each([
    [
      'a policy with an unknown field',
      () => space.write('policies/b.yaml', `${ANIMALS.replace('live-animals', 'b')}severity: high\n`),
      /^pixwarden: policies\/b\.yaml:13:1: error: unknown field "severity"$/m,
    ],
    [
      'two policies with one id',
      () => space.write('policies/b.yaml', ANIMALS),
      /^pixwarden: policies\/b\.yaml:1:5: error: the policy id "live-animals" is already taken by animals\.yaml$/m,
    ],
    [
      'a policy whose sample is missing',
      () => space.write('policies/animals.yaml', ANIMALS.replace('coffee.jpg', 'gone.jpg')),
      /^pixwarden: policies\/animals\.yaml:12:14: error: there is no image \.\.\/photos\/gone\.jpg$/m,
    ],
    ['a file that is no YAML', () => space.write('policies/b.yaml', 'id: ['), /^pixwarden: policies\/b\.yaml:1:\d+: error: /m],
  ])('%s, with its place', async (_, arrange, message) => {
    await arrange()
    const { code, stdout, stderr } = await space.scan('--json', 'photos')
    expect(stderr).toMatch(message)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  test.each([
    ['a model that is not there', ['--model', 'no-such-model'], /no-such-model/],
    ['a model folder without a model', ['--model', './photos'], /config\.json/],
    ['a policies folder that is not there', ['--policies', 'nowhere'], /the policies folder nowhere cannot be read/],
    ['two kinds of output', ['--json', '--html', 'report.html'], /cannot be used with/],
    ['an option that it does not know', ['--fast'], /unknown option '--fast'/],
    ['a batch of nothing', ['--batch', '0'], /from 1 to 9999/],
    ['a report in a folder that is not there', ['--html', 'nowhere/report.html'], /^pixwarden: ENOENT.*nowhere/m],
  ])('%s', async (_, options, message) => {
    const { code, stderr } = await space.scan(...options, 'photos')
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(2)
  })

  test('no paths at all, and commands that do not exist', async () => {
    expect(await space.scan()).toMatchObject({ code: 2, stderr: expect.stringContaining('missing required argument') })
    expect(await space.run('scna')).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown command 'scna'") })
  })
})

describe('a long scan', () => {
  const COPIES = 60
  beforeEach(async () => {
    for (let i = 0; i < COPIES; i++) await space.photo('coffee.jpg', `many/${String(i).padStart(3, '0')}.jpg`)
  })
  const start = (...args: string[]) => startCli(['scan', '--policies', 'policies', ...args, 'many'], { cwd: space.dir })
  const firstLine = async (stdout: Readable) => {
    for await (const line of createInterface(stdout)) return line
    return undefined
  }

  test('goes on in the order of the files, whichever is ready first', async () => {
    const { stdout } = await space.scan('--jsonl', 'many', '--decoders', '2', '--batch', '4')
    const files = linesOf(stdout).map(({ file }) => file)
    expect(files).toHaveLength(COPIES)
    expect(files).toEqual([...files].sort())
  })

  test('ends without a word when its reader goes away', async () => {
    const child = start('--jsonl')
    const said: string[] = []
    child.stderr?.setEncoding('utf8').on('data', (text: string) => said.push(text))
    await firstLine(child.stdout as Readable)
    child.stdout?.destroy()
    const [code] = await once(child, 'close')
    expect(said.join('')).toBe('')
    expect(code).toBe(141)
  })

  test('leaves whole JSON when it is interrupted', async () => {
    const child = start('--json', '--batch', '2')
    const chunks: string[] = []
    const closed = once(child, 'close')
    await new Promise<void>((resolve) =>
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        chunks.push(text)
        if (chunks.join('').includes('coffee') || chunks.join('').includes('"file"')) resolve()
      }),
    )
    child.kill('SIGINT')
    const [code] = await closed
    const judged = JSON.parse(chunks.join('')) as Line[]
    expect(judged.length).toBeGreaterThan(0)
    expect(judged.length).toBeLessThan(COPIES)
    expect(judged.every(({ action }) => action === 'approve')).toBe(true)
    expect(code).toBe(130)
  })
})
