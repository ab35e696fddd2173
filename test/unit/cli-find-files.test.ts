import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findFiles } from '../../services/cli/scan/find-files.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'find-files-'))
})
afterEach(() => rm(dir, { recursive: true }))

const write = async (...names: string[]) => {
  for (const name of names) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true })
    await writeFile(path.join(dir, name), '')
  }
}
async function found(...paths: string[]) {
  const list = []
  for await (const each of findFiles(paths.map((name) => path.join(dir, name))))
    list.push(`${path.relative(dir, each.file)}${each.kind === 'file' ? '' : `: ${each.code}`}`)
  return list
}

test('a tree comes in the order of its names, level by level, without what is hidden', async () => {
  await write('b.jpg', 'a/z.jpg', 'a/b/c.jpg', 'a.jpg', '.git/d.jpg', '.e.jpg', 'B.jpg')
  expect(await found('')).toEqual(['B.jpg', 'a/b/c.jpg', 'a/z.jpg', 'a.jpg', 'b.jpg'])
})

test('a hidden file that is named is taken', async () => {
  await write('.e.jpg')
  expect(await found('.e.jpg')).toEqual(['.e.jpg'])
})

test('links are followed, and those that lead back do not lead around', async () => {
  await write('a/one.jpg', 'elsewhere/two.jpg')
  await symlink('../a', path.join(dir, 'a/loop'))
  await symlink('../elsewhere', path.join(dir, 'a/more'))
  await symlink('one.jpg', path.join(dir, 'a/same.jpg'))
  await symlink('nothing', path.join(dir, 'a/dangling.jpg'))
  expect(await found('a')).toEqual(['a/more/two.jpg', 'a/one.jpg', 'a/same.jpg'])
})

test('a folder that is reached twice is walked once', async () => {
  await write('a/b/c.jpg')
  expect(await found('a', 'a/b', '')).toEqual(['a/b/c.jpg'])
})

test('what is named must be there and be a file or a folder; a pipe in a folder is let be', async () => {
  execFileSync('mkfifo', [path.join(dir, 'pipe')])
  await write('d.jpg')
  expect(await found('gone.jpg', 'pipe', '')).toEqual(['gone.jpg: not-found', 'pipe: unsupported-media-type', 'd.jpg'])
})
