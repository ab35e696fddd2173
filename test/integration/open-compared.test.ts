import { watch } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { dot } from '../../services/core/domain/vector.ts'
import { commandOf } from '../../services/core/infra/running-process.ts'
import { openCompared } from '../../services/worker/clip/open-compared.ts'
import { type Model, openModel } from '../../services/worker/clip/open-model.ts'
import { openVisionSession, type VisionSession } from '../../services/worker/clip/vision-session.ts'
import { descendantsOf } from '../support/descendants.ts'
import { copyTinyModel } from '../support/parity.ts'
import { waitFor } from '../support/wait-for.ts'

let folder: string
let graphDir: string
let model: Model
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-compared-'))
  model = await openModel(await copyTinyModel('tiny-clip', path.join(folder, 'tiny-clip')))
})
beforeEach(async () => {
  graphDir = await mkdtemp(path.join(folder, 'graphs-'))
})
afterAll(() => rm(folder, { recursive: true }))

const KEPT = /^[\da-f]+-\d+\.onnx$/
const TRIED = /\.onnx\.[\da-f]{8}-[\da-f-]{27}$/

const open = () => openCompared(model, { threads: 1, graphDir })

async function expectLikeOriginal(session: VisionSession): Promise<void> {
  const view = Uint8Array.from({ length: 3 * 224 * 224 }, (_, i) => (i * 77 + (i >> 6)) % 256)
  const original = await openVisionSession(model.visionFile, model, { threads: 1 })
  const [[one], [other]] = [await original.embed([view]), await session.embed([view])]
  expect(dot(one as Float32Array, other as Float32Array)).toBeGreaterThan(0.9999)
  await original.release()
}

test('of workers that start at once, one has a graph edited and compared, and all run it', async () => {
  const seen = new Set<string>()
  const watcher = watch(graphDir, (_, name) => name && seen.add(name))
  const sessions = await Promise.all([open(), open(), open()])
  await writeFile(path.join(graphDir, 'the last'), '')
  await waitFor(() => seen.has('the last'), { what: 'everything that was written' })
  watcher.close()
  expect([...seen].filter((name) => TRIED.test(name))).toHaveLength(1)
  expect(await readdir(graphDir)).toEqual([expect.stringMatching(KEPT), 'the last'])
  for (const session of sessions) await expectLikeOriginal(session)
})

test('a model runs as it came when the process that compares is killed, and is compared by the next start', async () => {
  const opening = open()
  const isComparing = (pid: number) => commandOf(pid).includes('compare-process.js')
  const child = await waitFor(() => descendantsOf(process.pid).find(isComparing), { what: 'the process that compares' })
  process.kill(child, 'SIGKILL')
  await expectLikeOriginal(await opening)
  expect((await readdir(graphDir)).filter((name) => KEPT.test(name))).toEqual([])
  await expectLikeOriginal(await open())
  expect((await readdir(graphDir)).filter((name) => KEPT.test(name))).toHaveLength(1)
})

test('a model runs as it came where nothing can be kept', async () => {
  await rm(graphDir, { recursive: true })
  await writeFile(graphDir, '')
  await expectLikeOriginal(await open())
})
