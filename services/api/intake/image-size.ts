/** In pixels, as stored: before an EXIF orientation is applied. */
export type ImageSize = { width: number; height: number }
