import type { CompiledPolicy, CompiledRule, ScoringModel } from '../core/domain/compile-policy.ts'
import type { ViewEmbedding } from '../core/domain/decide.ts'
import { type Box, type ExplainedPolicy, explainPolicies } from '../core/domain/explain.ts'
import { heatMap, occlusionWindows } from '../core/domain/occlusion.ts'
import type { Preprocessing, View } from './clip/preprocessing.ts'
import type { DecodedImage } from './image/decode-image.ts'
import { meanColour, occlude } from './image/occlude.ts'
import { resizeGeometry, type Size } from './image/resize-geometry.ts'

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
 * occluded embeddings of a view. A later frame has no heat map: what moderators are shown is the first.
 */
export async function explainImage(image: DecodedImage, options: ExplainOptions): Promise<ExplainedPolicy[]> {
  const { policies, scoring, preprocessing } = options
  const views = await embedViews(image.views, options)
  const explained = explainPolicies(policies, views, scoring)
  const best = new Set(explained.flatMap(({ rules }) => rules.map(({ view }) => view)))
  const shown = image.views.filter(({ view }) => best.has(view) && !view.startsWith('frame-'))
  const box = boxOf(image, preprocessing)
  const hidden = new Map<string, Float32Array[]>()
  for (const { view, pixels } of shown) hidden.set(view, await embedOccluded(pixels, options))
  return explainPolicies(policies, views, scoring, (rule: CompiledRule, name: string) => {
    const whole = views.find(({ view }) => view === name)?.embedding
    const occluded = hidden.get(name)
    return whole && occluded && heatMap(rule, { whole, hidden: occluded, box }, scoring)
  })
}

async function embedViews(views: View[], { embed }: ExplainOptions): Promise<ViewEmbedding[]> {
  const embeddings = await embed(views.map(({ pixels }) => new Uint8Array(pixels)))
  return views.map(({ view }, index) => ({ view, embedding: embeddings[index] as Float32Array }))
}

async function embedOccluded(pixels: Uint8Array, { preprocessing, embed, signal }: ExplainOptions): Promise<Float32Array[]> {
  const windows = occlusionWindows(preprocessing)
  const colour = meanColour(pixels)
  const embeddings: Float32Array[] = []
  for (let i = 0; i < windows.length; i += AT_ONCE) {
    signal.throwIfAborted()
    const some = windows.slice(i, i + AT_ONCE)
    embeddings.push(...(await embed(some.map((window) => occlude(pixels, preprocessing.width, window, colour)))))
  }
  return embeddings
}

/** The part of the picture, as it is shown, that the model sees. */
function boxOf(size: Size, preprocessing: Preprocessing): Box {
  const { resized, crop } = resizeGeometry(size, preprocessing)
  return {
    left: crop.left / resized.width,
    top: crop.top / resized.height,
    width: crop.width / resized.width,
    height: crop.height / resized.height,
  }
}
