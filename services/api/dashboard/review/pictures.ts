import { type Signal, signal } from '@preact/signals'
import { type Api, hasProblem } from '../api.ts'

export type Picture = {
  uploadId: string
  /** A few kilobytes that were blurred by the service, and the picture to be looked at; decoded, so that showing one takes no time. */
  blurred: Signal<ImageBitmap | undefined>
  display: Signal<ImageBitmap | undefined>
  /** Why neither will come. */
  problem: Signal<unknown>
}

export type Pictures = {
  /** Begins to load it, unless that was done before. */
  of(uploadId: string): Picture
  /** Lets go of all but these. */
  keep(uploadIds: string[]): void
}

const MOST_TRIES = 4

/** Pictures as they are asked for, ahead of being looked at. What is let go of frees its memory at once. */
export function createPictures(
  api: Pick<Api, 'blob'>,
  variants: readonly ('blurred' | 'display')[] = ['blurred', 'display'],
): Pictures {
  const loading = new Map<string, { picture: Picture; abort: AbortController }>()

  const load = async (picture: Picture, abort: AbortController) => {
    for (const variant of variants) {
      const bitmap = await createImageBitmap(await fetchPicture(api, picture.uploadId, variant, abort.signal))
      if (abort.signal.aborted) return bitmap.close()
      picture[variant].value = bitmap
    }
  }

  return {
    of(uploadId) {
      const known = loading.get(uploadId)
      if (known) return known.picture
      const picture: Picture = { uploadId, blurred: signal(undefined), display: signal(undefined), problem: signal(undefined) }
      const abort = new AbortController()
      loading.set(uploadId, { picture, abort })
      load(picture, abort).catch((error: unknown) => {
        if (!abort.signal.aborted) picture.problem.value = error
      })
      return picture
    },
    keep(uploadIds) {
      const wanted = new Set(uploadIds)
      for (const [uploadId, { picture, abort }] of loading) {
        if (wanted.has(uploadId)) continue
        loading.delete(uploadId)
        abort.abort()
        picture.blurred.peek()?.close()
        picture.display.peek()?.close()
        picture.blurred.value = undefined
        picture.display.value = undefined
      }
    },
  }
}

/** Asks again when the service says later. */
async function fetchPicture(api: Pick<Api, 'blob'>, uploadId: string, variant: string, signal: AbortSignal): Promise<Blob> {
  for (let tries = 1; ; tries++) {
    try {
      return await api.blob(`/uploads/${uploadId}/image`, { query: { variant }, signal })
    } catch (error) {
      if (
        tries === MOST_TRIES ||
        signal.aborted ||
        !hasProblem(error, 'overloaded', 'rate-limited', 'image-not-ready', 'offline')
      )
        throw error
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? 1000 * tries))
    }
  }
}
