import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { useShell } from '../shell.ts'

/** Formats that can move. They never do by themselves here. */
const MAY_MOVE = ['image/gif', 'image/webp', 'image/png', 'image/avif']

export function mayMove(mime: string): boolean {
  return MAY_MOVE.includes(mime)
}

export type Original = { url: Signal<string | undefined>; error: Signal<unknown>; play(): Promise<void>; stop(): void }

/** The file itself, fetched when somebody wants to see it move. */
export function useOriginal(uploadId: string): Original {
  const { api } = useShell()
  const url = useSignal<string | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  const stop = () => {
    if (url.peek()) URL.revokeObjectURL(url.peek() as string)
    url.value = undefined
  }
  const leaving = useRef<AbortController>(undefined)
  useEffect(() => {
    const abort = new AbortController()
    leaving.current = abort
    return () => {
      abort.abort()
      stop()
    }
  }, [uploadId])
  return {
    url,
    error,
    stop,
    async play() {
      const signal = leaving.current?.signal
      try {
        const file = await api.blob(`/uploads/${uploadId}/image`, { query: { variant: 'original' }, ...(signal && { signal }) })
        if (signal?.aborted) return
        stop()
        url.value = URL.createObjectURL(file)
        error.value = undefined
      } catch (reason) {
        if (!signal?.aborted) error.value = reason
      }
    },
  }
}
