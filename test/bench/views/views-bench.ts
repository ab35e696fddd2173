import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import sharp from 'sharp'
import { askedViews } from '../../../services/core/domain/views.ts'
import { loadPolicies } from '../../../services/core/infra/policy-loader.ts'
import { openModel } from '../../../services/worker/clip/open-model.ts'
import { decodeImage } from '../../../services/worker/image/decode-image.ts'
import { type Contestant, contest } from '../contest.ts'
import { photosOf, writePhotos } from '../photos.ts'
import type { Measured } from '../report.ts'
import type { JudgeFiles } from './judge-files.ts'

const FRAMES = 24
const TURNS = { rounds: 5, seconds: 2 }
const AT_ONCE = 4

/** What it costs to look closer: files that the judge judges in a second, with the embedded model on one core, by which views its policy asks for. */
export async function benchViews(dir: string): Promise<Measured> {
  const own = path.join(dir, 'views')
  await mkdir(own)
  const files = {
    'photos of 12 MP': (await writePhotos(await photosOf(4000, 3000), own)).slice(0, AT_ONCE),
    [`animations of ${FRAMES} frames`]: await writeAnimations(own),
  }
  const asked: [keyof typeof files, string][] = [
    ['photos of 12 MP', 'full'],
    ['photos of 12 MP', 'tiles'],
    [`animations of ${FRAMES} frames`, 'full'],
    [`animations of ${FRAMES} frames`, 'frames:8'],
  ]
  const contestants = await Promise.all(asked.map(([kind, views]) => contestant(own, kind, files[kind] as string[], views)))
  const rates = await contest(contestants, TURNS)
  const figures = contestants.map(({ name, args }) => [name, { views: args.views, filesPerSecond: rates.get(name) }])
  return { ratios: [], figures: Object.fromEntries(figures) }
}

async function contestant(dir: string, kind: string, files: string[], views: string): Promise<Contestant & { args: JudgeFiles }> {
  const policiesDir = await writePolicy(dir, views)
  const { policies } = await loadPolicies(policiesDir)
  const { preprocessing } = await openModel('embedded')
  const settings = { preprocessing, mode: 'fast', maxPixels: 50_000_000 } as const
  const seen = await decodeImage(files[0] as string, settings, { asked: askedViews(policies) })
  const args = { graphDir: path.join(dir, 'graphs'), policiesDir, files, views: seen.views.length }
  return { name: `${kind}, ${views}`, entry: 'views/judge-files', args }
}

/** The sample photos one after the other, as GIF. */
async function writeAnimations(dir: string): Promise<string[]> {
  const photos = await photosOf(640, 480)
  const frames = Array.from({ length: FRAMES }, (_, frame) => photos[frame % photos.length] as Buffer)
  const animation = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer()
  const file = path.join(dir, 'animation.gif')
  await writeFile(file, animation)
  return Array(AT_ONCE).fill(file)
}

async function writePolicy(dir: string, views: string): Promise<string> {
  const policies = path.join(dir, `policies-${views.replace(':', '-')}`)
  await mkdir(policies, { recursive: true })
  await writeFile(
    path.join(policies, 'bench.yaml'),
    `id: bench
title: Looks closer
mode: enforce
views: [${views}]
rules:
  - id: animal
    concepts: [a cat, a dog, a bird]
    contrast: [food, a building, clothing]
    thresholds: { default: { flag: 0.6 } }
`,
  )
  return policies
}
