import type { AskedViews } from '../../core/domain/views.ts'
import type { Rendition } from '../../core/infra/image-task-store.ts'
import type { DecodedImage, DecodeSettings } from './decode-image.ts'
import type { RenderedImage } from './render-image.ts'

/** What a decoder process is started with: its one argument, as JSON. */
export type ChildSettings = DecodeSettings & {
  avif: boolean
  /** Processor time for one picture: it is killed beyond that, and so tries no more of it when that is likely. */
  cpuMs: number
}

/** What the parent sends: the path of a file, one at a time, and what to make of it: what the model sees, or a rendition for people. */
export type Request = { path: string; asked?: AskedViews | undefined; rendition?: Rendition | undefined }

/** What the child answers: `ready` once, `so-far` before it tries more of a picture, and one of the others for each request. No view is sent twice. */
export type Reply =
  | { type: 'ready' }
  | { type: 'so-far'; image: DecodedImage }
  | Answer
  | { type: 'undecodable'; message: string; rssBytes: number }
  | { type: 'out-of-memory' }

/** What a request comes to when all is well. */
export type Answer =
  | { type: 'decoded'; image: DecodedImage; rssBytes: number }
  | { type: 'rendered'; image: RenderedImage; rssBytes: number }
