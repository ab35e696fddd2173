import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { dot } from '../../core/domain/vector.ts'
import { bringWeights, weightsBeside } from './bring-weights.ts'
import { editVisionGraph } from './graph/edit-vision-graph.ts'
import type { Model } from './open-model.ts'
import type { SessionOptions } from './open-session.ts'
import { openVisionSession, type VisionSession } from './vision-session.ts'

/** Of an edited graph's embeddings with the original's. */
const LEAST_COSINE = 0.9999
/** Counted up when what is done to graphs changes. */
const EDITION = 3
/** By when a graph has been tried, or its worker has died over it. */
const TRIED_WITHIN_MS = 600_000
/** What is being written or tried. */
const PART = /\.[\da-f]{8}-[\da-f-]{27}$/

export type OpenVisionOptions = SessionOptions & {
  /** Where edited graphs are kept; without one the graph is run as it came. */
  graphDir?: string | undefined
}

/**
 * Opens the image side of a model: an edited graph that does less work for the same embeddings where there is one, made and compared with the original the first
 * time, else the graph as it came. What came of the comparison is kept. Throws AppError `invalid-model`.
 */
export async function openVision(model: Model, { graphDir, ...options }: OpenVisionOptions): Promise<VisionSession> {
  if (graphDir === undefined) return openVisionSession(model.visionFile, model, options)
  const weights = await weightsBeside(model.visionFile)
  const kept = placeFor(model, weights, graphDir)
  // Without them the graph does not load, and the original runs.
  if (weights.length > 0) await bringWeights(weights, path.dirname(kept)).catch(() => {})
  return (await openKept(kept, model, options)) ?? (await openBest(kept, model, options))
}

/** What an earlier call has kept of its comparison, or would have. */
export type Outcome = {
  /** Beside it is a refusal when no edit was as good. */
  graph: string
  isThere(): boolean
}

export async function outcomeFor(model: Model, graphDir: string, options: Pick<SessionOptions, 'provider'>): Promise<Outcome> {
  const graph = placeFor(model, await weightsBeside(model.visionFile), graphDir)
  return { graph, isThere: () => existsSync(graph) || existsSync(refusalOf(graph, options)) }
}

/** Weights must be found beside the edited graph as beside the original, by names that many models share: such a graph has a folder of its own. */
function placeFor({ revision }: Model, weights: readonly string[], graphDir: string): string {
  return path.join(graphDir, weights.length > 0 ? revision : '', `${revision}-${EDITION}.onnx`)
}

/** Beside a graph that might have been: that none was as good as the original, which other providers may see otherwise. */
function refusalOf(kept: string, { provider = 'cpu' }: Pick<SessionOptions, 'provider'>): string {
  return `${kept}.refused-${provider}`
}

/** undefined when there is none, or it is damaged. */
async function openKept(kept: string, model: Model, options: SessionOptions): Promise<VisionSession | undefined> {
  return openVisionSession(kept, model, options).catch(() => undefined)
}

async function openBest(kept: string, model: Model, options: SessionOptions): Promise<VisionSession> {
  const original = await openVisionSession(model.visionFile, model, options)
  const refusal = refusalOf(kept, options)
  if (existsSync(refusal)) return original
  const expected = await original.embed(testViews(model))
  let failed = false
  for (const { graph } of editVisionGraph(await readFile(model.visionFile), model)) {
    const tried = await tryEdit(kept, graph, model, { options, expected })
    if (typeof tried === 'object') {
      await original.release()
      return tried
    }
    failed ||= tried === 'failed'
  }
  // What failed may have lacked memory, or room on the disk, and is tried again.
  if (!failed) await keepRefusal(refusal)
  return original
}

async function keepRefusal(refusal: string): Promise<void> {
  await mkdir(path.dirname(refusal), { recursive: true })
    .then(() => writeFile(refusal, ''))
    .catch(() => {})
}

type Comparison = { options: SessionOptions; expected: Float32Array[] }
/** Of a graph's embeddings and the original's; it may also fail to load, to run or to be kept. */
type Likeness = 'same' | 'differs' | 'failed'

/** Keeps the graph and resolves to its session when its embeddings are the original's. */
async function tryEdit(
  kept: string,
  graph: Buffer[],
  model: Model,
  { options, expected }: Comparison,
): Promise<VisionSession | Exclude<Likeness, 'same'>> {
  const part = `${kept}.${randomUUID()}`
  let outcome: Likeness = 'failed'
  try {
    await mkdir(path.dirname(kept), { recursive: true })
    await sweep(path.dirname(kept))
    // What a power cut has left with holes may still load, and embed something else.
    await writeFile(part, graph, { flush: true })
    const edited = await openVisionSession(part, model, options)
    outcome = await compare(edited, model, expected)
    if (outcome === 'same') {
      await rename(part, kept)
      return edited
    }
    await edited.release()
  } catch {
    // As good as none.
  }
  await rm(part, { force: true }).catch(() => {})
  return outcome === 'differs' ? 'differs' : 'failed'
}

/** What is tried and what it is compared with need memory for both: a worker that has too little for that leaves one as large as the model at each start. */
async function sweep(dir: string): Promise<void> {
  for (const name of (await readdir(dir)).filter((each) => PART.test(each))) {
    const file = path.join(dir, name)
    // Undefined for what another has swept meanwhile.
    const found = await stat(file).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > TRIED_WITHIN_MS) await rm(file, { force: true })
  }
}

async function compare(session: VisionSession, model: Model, expected: Float32Array[]): Promise<Likeness> {
  const found = await session.embed(testViews(model)).catch(() => undefined)
  if (found === undefined) return 'failed'
  const isSame = expected.every((embedding, index) => {
    const other = found[index]
    return other !== undefined && dot(embedding, other) >= LEAST_COSINE
  })
  return isSame ? 'same' : 'differs'
}

/** Pictures of several kinds: noise, waves and a flat one. Always the same. */
function testViews({ preprocessing: { width, height } }: Model): Uint8Array[] {
  let seed = 1
  const noise = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed >>> 24
  }
  const wave = (index: number) => 128 + 100 * Math.sin(index / 97)
  return [noise, wave, () => 128].map((value) => Uint8Array.from({ length: 3 * width * height }, (_, index) => value(index)))
}
