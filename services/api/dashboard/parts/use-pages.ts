import { type Signal, useSignal } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import type { Page } from '../api-types.ts'

export type Pages<Item> = {
  items: Signal<Item[]>
  error: Signal<unknown>
  loading: Signal<boolean>
  /** Whether there is a next page. */
  hasMore: Signal<boolean>
  more(): Promise<void>
  reload(): Promise<void>
}

/** A list that is read page by page, from the beginning whenever `inputs` change. */
export function usePages<Item>(
  read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Item>>,
  inputs: readonly unknown[],
): Pages<Item> {
  const items = useSignal<Item[]>([])
  const error = useSignal<unknown>(undefined)
  const loading = useSignal(true)
  const hasMore = useSignal(false)
  const cursor = useRef<string>(undefined)
  const running = useRef<AbortController>(undefined)
  const latest = useRef(read)
  latest.current = read

  const readPage = useCallback(
    async (from: string | undefined) => {
      running.current?.abort()
      const controller = new AbortController()
      running.current = controller
      loading.value = true
      try {
        const page = await latest.current(from, controller.signal)
        if (controller.signal.aborted) return
        items.value = from === undefined ? page.items : [...items.peek(), ...page.items]
        cursor.current = page.next_cursor
        hasMore.value = page.next_cursor !== undefined
        error.value = undefined
      } catch (reason) {
        if (controller.signal.aborted) return
        error.value = reason
      }
      loading.value = false
    },
    [items, error, loading, hasMore],
  )

  // The inputs are the caller's.
  useEffect(() => {
    void readPage(undefined)
    return () => running.current?.abort()
  }, inputs)

  return {
    items,
    error,
    loading,
    hasMore,
    more: () => readPage(cursor.current),
    reload: () => readPage(undefined),
  }
}
