import { createHash } from 'node:crypto'
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeTrialPictures } from '../../services/cli/model/trial-pictures.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { runCli } from '../support/cli.ts'
import { SAMPLE_PHOTOS } from '../support/cli-workspace.ts'
import { copyTinyModel } from '../support/parity.ts'

let home: string
let models: string
let photos: string
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'pixwarden-cli-quantise-'))
  photos = path.join(home, 'photos')
  await mkdir(photos)
  for (const name of ['cat.jpg', 'coffee.jpg']) await copyFile(path.join(SAMPLE_PHOTOS, name), path.join(photos, name))
  await writeFile(path.join(photos, 'notes.txt'), 'no image')
})
beforeEach(async () => {
  models = await mkdtemp(path.join(home, 'models-'))
})
afterAll(() => rm(home, { recursive: true }))

const cli = (...args: string[]) => runCli(args, { cwd: home, env: { PIXWARDEN_MODELS_DIR: models, HF_HUB_OFFLINE: '1' } })
const quantise = (...args: string[]) => cli('model', 'quantise', ...args)

describe('pixwarden model quantise', () => {
  test('a model that decides as its original is kept beside it, under the same id, and is then a model for every command', async () => {
    const left = path.join(models, '.pulling', 'embedded-quantised', 'model')
    await mkdir(left, { recursive: true })
    await writeFile(path.join(left, 'of-one-that-was-killed'), '')
    const { code, stdout, stderr } = await quantise('embedded', '--images', photos)
    expect(stdout).toMatch(/^ok +same action +100\.0 % of 2 pictures/m)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(path.join(models, 'embedded-quantised'))
    // How fast it is depends on what else the machine does.
    expect(stderr).toMatch(/^(.*hardly faster.*\n)?$/)
    expect(code).toBe(0)

    const list = JSON.parse((await cli('model', 'list', '--json')).stdout)
    expect(list.here).toEqual([expect.objectContaining({ id: 'embedded', dtype: 'int8' })])
    expect(await readdir(path.join(models, '.pulling'))).toEqual([])
    expect((await cli('model', 'list')).stdout).toContain('part of the package, embedded-quantised')
    expect(await cli('model', 'verify', 'embedded-quantised')).toMatchObject({ code: 0 })
    const scan = await cli('scan', '--model', 'embedded-quantised', '--jsonl', path.join(photos, 'cat.jpg'))
    expect(JSON.parse(scan.stdout)).toMatchObject({ action: 'flag', model: { id: 'embedded' } })

    expect(await quantise('embedded', '--images', photos)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there already'),
    })
    expect(await quantise('embedded-quantised', '--images', photos)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing to quantise'),
    })
    expect(await cli('model', 'remove', 'embedded-quantised')).toMatchObject({ code: 0 })
  }, 60_000)

  test('a model that decides otherwise is refused, on the pictures that are made, and nothing of it is left', async () => {
    const tiny = await copyTinyModel('tiny-clip', path.join(home, 'tiny'))
    const { code, stdout } = await quantise(tiny, '--json')
    const { ok, agreement } = JSON.parse(stdout)
    expect(ok).toBe(false)
    expect(agreement.pictures).toBeGreaterThan(200)
    expect(agreement.cosine.mean).toBeGreaterThan(0.99)
    expect(code).toBe(1)
    expect(await readdir(models, { recursive: true })).toEqual(['.pulling'])
  }, 120_000)

  test('what is made here is not taken for what the hub has in int8', async () => {
    expect(await cli('model', 'verify', 'clip-vit-b32-quantised')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('npx pixwarden model quantise clip-vit-b32\n'),
    })
    await cp(path.join(packageRoot, 'models', 'embedded'), path.join(models, 'clip-vit-b32'), { recursive: true })
    expect(await quantise('clip-vit-b32', '--images', photos)).toMatchObject({ code: 0 })
    expect(await cli('model', 'pull', 'clip-vit-b32', '--dtype', 'int8')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('clip-vit-b32-int8 is not here'),
    })
  }, 60_000)

  test.each<[string, (dir: string) => Promise<unknown>, string]>([
    ['without images', (dir) => mkdir(dir), 'holds no images'],
    ['that is not there', async () => {}, 'cannot be read: ENOENT'],
    [
      'of broken images',
      (dir) =>
        cp(path.join(SAMPLE_PHOTOS, 'cat.jpg'), path.join(dir, 'cat.jpg')).then(() => truncate(path.join(dir, 'cat.jpg'), 3000)),
      'can be decoded',
    ],
  ])('a folder %s is no proof', async (name, make, problem) => {
    const dir = path.join(home, name)
    await make(dir)
    const { code, stderr } = await quantise('embedded', '--images', dir)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(`^pixwarden: .*${problem}.*\n$`) })
    expect(await readdir(models, { recursive: true })).toEqual(['.pulling'])
  })

  test('a folder of models that cannot be written is told of', async () => {
    models = path.join(models, 'file')
    await writeFile(models, '')
    expect(await quantise('embedded', '--images', photos)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('set PIXWARDEN_MODELS_DIR to a folder that can'),
    })
  })
})

test('the pictures to compare on are the same each time', async () => {
  const digests = await Promise.all(
    ['one', 'other'].map(async (name) => {
      const dir = path.join(home, name)
      await mkdir(dir)
      const files = await writeTrialPictures(dir)
      const bytes = await Promise.all(files.map((file) => readFile(file)))
      return bytes.map((each) => createHash('sha256').update(each).digest('hex'))
    }),
  )
  expect(digests[0]).toEqual(digests[1])
  expect(new Set(digests[0]).size).toBe(digests[0]?.length)
}, 60_000)
