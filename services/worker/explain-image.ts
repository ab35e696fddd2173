import type { CompiledPolicy, CompiledRule, ScoringModel } from '../core/domain/compile-policy.ts'
import type { ViewEmbedding } from '../core/domain/decide.ts'
import { type Box, type ExplainedPolicy, explainPolicies } from '../core/domain/explain.ts'
import { heatMap, type Occluded, occlusionWindows } from '../core/domain/occlusion.ts'
import { frameOf, isTile } from '../core/domain/views.ts'
import type { Preprocessing, View } from './clip/preprocessing.ts'
import type { DecodedImage } from './image/decode-image.ts'
import { blankOf, inset } from './image/occlude.ts'
import { type Rectangle, resizeGeometry, type Size } from './image/resize-geometry.ts'
import { tileGeometry } from './image/tile-geometry.ts'

export type ExplainOptions = {
  policies: CompiledPolicy[]
  scoring: ScoringModel
  preprocessing: Preprocessing
  /** Unit embeddings of views, RGB, which are given away. */
  embed: (views: Uint8Array[]) => Promise<Float32Array[]>
  signal: AbortSignal
}

/** Embedded together, so that an explanation that is given up stops soon, and holds few copies of a view. */
const AT_ONCE = 16

/**
 * Explains what the policies make of an image: the phrases, and by occlusion where in the picture each rule's best view has its evidence. All rules share the
 * occluded embeddings of a view. A later frame has no heat map: what moderators are shown is the first. Rejects when `signal` aborts.
 */
export async function explainImage(image: DecodedImage, options: ExplainOptions): Promise<ExplainedPolicy[]> {
  const { policies, scoring, preprocessing } = options
  const views = await embedViews(image.views, options)
  const unmapped = explainPolicies(policies, views, scoring, undefined, image.frames)
  const best = new Set(unmapped.flatMap(({ rules }) => rules.map(({ view }) => view)))
  const occluded = new Map<string, Occluded>()
  for (const [index, { view, pixels }] of image.views.entries()) {
    if (!best.has(view) || frameOf(view) !== undefined) continue
    occluded.set(view, { whole: views[index]?.embedding as Float32Array, ...(await embedOccluded(pixels, options)) })
  }
  const heatOf = (rule: CompiledRule, view: string) => {
    const found = occluded.get(view)
    return found && heatMap(rule, found, boxOf(view, image, preprocessing), scoring)
  }
  return explainPolicies(policies, views, scoring, heatOf, image.frames)
}

async function embedViews(views: View[], { embed }: ExplainOptions): Promise<ViewEmbedding[]> {
  const embeddings = await embed(views.map(({ pixels }) => new Uint8Array(pixels)))
  return views.map(({ view }, index) => ({ view, embedding: embeddings[index] as Float32Array }))
}

async function embedOccluded(pixels: Uint8Array, options: ExplainOptions): Promise<Omit<Occluded, 'whole'>> {
  const { width } = options.preprocessing
  const windows = occlusionWindows(options.preprocessing)
  const blank = blankOf(pixels)
  const hidden = await embedEach(windows, (window) => inset(pixels, blank, width, window), options)
  const alone = await embedEach(windows, (window) => inset(blank, pixels, width, window), options)
  const [nothing] = await options.embed([blank])
  return { blank: nothing as Float32Array, hidden, alone }
}

async function embedEach<T>(
  items: T[],
  viewOf: (item: T) => Uint8Array,
  { embed, signal }: ExplainOptions,
): Promise<Float32Array[]> {
  const embeddings: Float32Array[] = []
  for (let i = 0; i < items.length; i += AT_ONCE) {
    signal.throwIfAborted()
    embeddings.push(...(await embed(items.slice(i, i + AT_ONCE).map(viewOf))))
  }
  return embeddings
}

/** The part of the picture, as it is shown, that the model sees in a view of the first frame. */
function boxOf(view: string, size: Size, preprocessing: Preprocessing): Box {
  const { resized, part } = partOf(view, size, preprocessing)
  return {
    left: part.left / resized.width,
    top: part.top / resized.height,
    width: part.width / resized.width,
    height: part.height / resized.height,
  }
}

function partOf(view: string, size: Size, preprocessing: Preprocessing): { resized: Size; part: Rectangle } {
  const geometry = isTile(view) ? tileGeometry(size, preprocessing) : undefined
  const tile = geometry?.tiles.find((each) => view === each.view || view.startsWith(`${each.view}-`))
  if (geometry && tile) return { resized: geometry.resized, part: tile }
  const { resized, crop } = resizeGeometry(size, preprocessing)
  return { resized, part: crop }
}
