import path from 'node:path'
import { packageRoot } from '../../core/infra/package-root.ts'
import { createImageEncoder } from '../../worker/clip/image-encoder.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { createTextEncoder } from '../../worker/clip/text-encoder.ts'
import { decodeImage } from '../../worker/image/decode-image.ts'

/** The two sides of a model, for pictures and prompts of our own. */
export type Encoders = {
  /** Unit embeddings, shape [dim], of views, which stay as they are; all in one batch. */
  images(views: Uint8Array[]): Promise<Float32Array[]>
  texts(prompts: string[]): Promise<Float32Array[]>
  close(): Promise<void>
}

export function openEncoders(model: Model): Encoders {
  const images = createImageEncoder(model, { threads: 1 })
  const texts = createTextEncoder(model, { threads: 1 })
  return {
    images: (views) => images.encode(views.map((view) => view.slice())),
    texts: (prompts) => texts.embed(prompts),
    async close() {
      await Promise.all([images.close(), texts.close()])
    },
  }
}

/** Where the sample photos of the policies are. */
export const SAMPLES = path.join(packageRoot, 'policies', 'samples')

/** What the model sees of a picture, shape [height, width, 3], as the reference code makes it. */
export async function exactView({ preprocessing }: Model, file: string): Promise<Uint8Array> {
  const { views } = await decodeImage(file, { preprocessing, mode: 'exact', maxPixels: 50_000_000, ignoreIcc: true })
  const [first] = views
  if (!first) throw new Error(`${file} gave no view`)
  return first.pixels
}
