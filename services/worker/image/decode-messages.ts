import type { DecodedImage, DecodeSettings } from './decode-image.ts'

/** What a decoder process is started with: its one argument, as JSON. */
export type ChildSettings = DecodeSettings & { avif: boolean }

/** What the parent sends: the path of a file, one at a time. */
export type Request = { path: string }

/** What the child answers: `ready` once, `so-far` before it tries a later frame, and one of the others for each request. */
export type Reply =
  | { type: 'ready' }
  | { type: 'so-far'; image: DecodedImage }
  | { type: 'decoded'; image: DecodedImage; rssBytes: number }
  | { type: 'undecodable'; message: string; rssBytes: number }
  | { type: 'out-of-memory' }
