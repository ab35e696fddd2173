import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeTrialPictures } from '../../services/cli/model/trial-pictures.ts'
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

const cli = (...args: string[]) => runCli(args, { cwd: home, env: { PIXWARDEN_MODELS_DIR: models } })
const quantise = (...args: string[]) => cli('model', 'quantise', ...args)

describe('pixwarden model quantise', () => {
  test('a model that decides as its original is kept beside it, under the same id, and is then a model for every command', async () => {
    const { code, stdout, stderr } = await quantise('embedded', '--images', photos)
    expect(stdout).toMatch(/^ok +same action +100\.0 % of 2 pictures/m)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(path.join(models, 'embedded-int8'))
    expect(stderr).toContain('hardly faster')
    expect(code).toBe(0)

    const list = JSON.parse((await cli('model', 'list', '--json')).stdout)
    expect(list.here).toEqual([expect.objectContaining({ id: 'embedded', dtype: 'int8' })])
    expect(await cli('model', 'verify', 'embedded-int8')).toMatchObject({ code: 0 })
    const scan = await cli('scan', '--model', 'embedded-int8', '--jsonl', path.join(photos, 'cat.jpg'))
    expect(JSON.parse(scan.stdout)).toMatchObject({ action: 'flag', model: { id: 'embedded' } })

    expect(await quantise('embedded', '--images', photos)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there already'),
    })
    expect(await quantise('embedded-int8', '--images', photos)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing to quantise'),
    })
    expect(await cli('model', 'remove', 'embedded-int8')).toMatchObject({ code: 0 })
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

  test('a folder without images is no proof', async () => {
    const empty = path.join(home, 'empty')
    await mkdir(empty)
    const { code, stderr } = await quantise('embedded', '--images', empty)
    expect({ code, stderr }).toEqual({ code: 2, stderr: `pixwarden: ${empty} holds no images\n` })
    expect(await readdir(models, { recursive: true })).toEqual(['.pulling'])
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
