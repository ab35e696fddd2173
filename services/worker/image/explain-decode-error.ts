const MAX_LENGTH = 160

/** Says in a line, without the file's path, why a picture did not decode. */
export function explainDecodeError(error: unknown, path: string): string {
  const text = error instanceof Error ? error.message : String(error)
  if (text.includes('unsupported image format')) return 'not a picture of a format that is let in'
  if (text.includes('exceeds pixel limit')) return 'too many pixels'
  if (text.includes('is missing')) return 'the file is missing'
  const [reason = ''] = text
    .replaceAll(path, 'file')
    .replace(/^Input file has corrupt header:\s*/, '')
    .split('\n')
  return `damaged: ${reason.slice(0, MAX_LENGTH)}`
}

/** libvips and the allocators below it say so when a picture needs more memory than the process may have. */
export function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof Error && /out of memory|enough memory|unable to allocate|array buffer allocation failed/i.test(error.message)
  )
}
