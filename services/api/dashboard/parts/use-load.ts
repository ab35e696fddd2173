import { type Signal, useSignal } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'

export type Load<T> = {
  /** The last that came; it stays while the next is on its way. */
  data: Signal<T | undefined>
  error: Signal<unknown>
  loading: Signal<boolean>
  reload(): Promise<void>
}

/** Reads something when the component appears and whenever `inputs` change. What has become needless is aborted. */
export function useLoad<T>(read: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Load<T> {
  const data = useSignal<T | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  const loading = useSignal(true)
  const running = useRef<AbortController>(undefined)
  const latest = useRef(read)
  latest.current = read

  const reload = useCallback(async () => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    loading.value = true
    try {
      const read = await latest.current(controller.signal)
      if (controller.signal.aborted) return
      data.value = read
      error.value = undefined
    } catch (reason) {
      if (controller.signal.aborted) return
      error.value = reason
    }
    loading.value = false
  }, [data, error, loading])

  // The inputs are the caller's.
  useEffect(() => {
    void reload()
    return () => running.current?.abort()
  }, inputs)

  return { data, error, loading, reload }
}
