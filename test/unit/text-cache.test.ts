import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createTextCache } from '../../services/worker/clip/text-cache.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'texts-'))
})
afterEach(() => rm(dir, { recursive: true }))

const vectorOf = (text: string) => Float32Array.of(text.length, 0.1)
const embed = vi.fn(async (texts: string[]) => texts.map(vectorOf))
beforeEach(() => {
  embed.mockClear()
})
const asked = () => embed.mock.calls.flatMap(([texts]) => texts)
const open = (revision = 'r1', at: string | undefined = dir) => createTextCache({ embed }, { revision }, { dir: at })
const filesOf = async (revision: string) =>
  (await readdir(path.join(dir, revision))).map((name) => path.join(dir, revision, name))

test('a text is embedded once, however often it is asked for', async () => {
  const cache = createTextCache({ embed }, { revision: 'r1' })
  expect(await cache.embedAll(['a cat', 'a dog', 'a cat'])).toEqual(
    new Map([
      ['a cat', vectorOf('a cat')],
      ['a dog', vectorOf('a dog')],
    ]),
  )
  await cache.embedAll(['a dog', 'a horse'])
  expect(asked()).toEqual(['a cat', 'a dog', 'a horse'])
})

test('nothing is embedded again after a restart', async () => {
  await open().embedAll(['a cat'])
  expect(await open().embedAll(['a cat'])).toEqual(new Map([['a cat', vectorOf('a cat')]]))
  expect(asked()).toEqual(['a cat'])
})

test('another model has embeddings of its own', async () => {
  await open('r1').embedAll(['a cat'])
  await open('r2').embedAll(['a cat'])
  expect(asked()).toEqual(['a cat', 'a cat'])
})

test('a damaged file is written anew', async () => {
  for (const damage of [(file: string) => truncate(file, 36), (file: string) => writeFile(file, '')]) {
    await open().embedAll(['a cat'])
    const [file] = (await filesOf('r1')) as [string]
    await damage(file)
    embed.mockClear()
    expect((await open().embedAll(['a cat'])).get('a cat')).toEqual(vectorOf('a cat'))
    expect(asked()).toEqual(['a cat'])
    await open().embedAll(['a cat'])
    expect(asked()).toEqual(['a cat'])
    expect(await filesOf('r1')).toEqual([file])
  }
})

test('a folder that cannot be written costs time, not the policies', async () => {
  await writeFile(path.join(dir, 'r1'), 'in the way')
  expect((await open().embedAll(['a cat'])).get('a cat')).toEqual(vectorOf('a cat'))
})

test('an encoder that fails is reported, and asked again next time', async () => {
  embed.mockRejectedValueOnce(new Error('no memory'))
  const cache = open()
  await expect(cache.embedAll(['a cat'])).rejects.toThrow('no memory')
  expect((await cache.embedAll(['a cat'])).size).toBe(1)
})
