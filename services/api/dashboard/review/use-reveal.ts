import { type ReadonlySignal, useComputed, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useShell } from '../shell.ts'

export type Reveal = {
  revealed: ReadonlySignal<boolean>
  toggle(): void
  hold(held: boolean): void
}

/** Whether a picture is seen: while something is held down, or until it is toggled back. It begins as the preferences say. */
export function useReveal(): Reveal {
  const { preferences } = useShell()
  const toggled = useSignal(preferences.current.peek().blur === 'off')
  const held = useSignal(false)
  useEffect(() => {
    const letGo = () => {
      held.value = false
    }
    addEventListener('blur', letGo)
    return () => removeEventListener('blur', letGo)
  }, [held])
  return {
    revealed: useComputed(() => toggled.value !== held.value),
    toggle: () => {
      toggled.value = !toggled.peek()
    },
    hold: (now) => {
      held.value = now
    },
  }
}
