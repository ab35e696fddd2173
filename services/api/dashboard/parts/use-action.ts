import { type Signal, useSignal } from '@preact/signals'

export type Action = {
  busy: Signal<boolean>
  error: Signal<unknown>
  /** Does one thing at a time; resolves to whether it worked. */
  run(act: () => Promise<unknown>): Promise<boolean>
}

/** Something that a button does, with what became of it. */
export function useAction(): Action {
  const busy = useSignal(false)
  const error = useSignal<unknown>(undefined)
  const run = async (act: () => Promise<unknown>) => {
    if (busy.peek()) return false
    busy.value = true
    error.value = undefined
    try {
      await act()
      return true
    } catch (reason) {
      error.value = reason
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, error, run }
}
