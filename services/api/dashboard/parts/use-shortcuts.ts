import { useLayoutEffect, useRef } from 'preact/hooks'
import { useShell } from '../shell.ts'

/** By `event.key`, letters in lower case. */
export type Shortcuts = Record<string, (event: KeyboardEvent) => void>

/**
 * Keys that work anywhere on the page, except while somebody types, while a dialog is open, or with a modifier. A key that is held down counts once.
 * People who speak to their computer can turn them off (WCAG 2.1.4); what also has a button stays reachable.
 */
export function useShortcuts(shortcuts: Shortcuts, released: Shortcuts = {}): void {
  const { preferences } = useShell()
  const current = useRef({ shortcuts, released })
  current.current = { shortcuts, released }

  useLayoutEffect(() => {
    const down = (event: KeyboardEvent) => {
      const act = current.current.shortcuts[nameOf(event)]
      if (!act || !preferences.current.peek().shortcuts || isTaken(event)) return
      event.preventDefault()
      if (!event.repeat) act(event)
    }
    const up = (event: KeyboardEvent) => current.current.released[nameOf(event)]?.(event)
    document.addEventListener('keydown', down)
    document.addEventListener('keyup', up)
    return () => {
      document.removeEventListener('keydown', down)
      document.removeEventListener('keyup', up)
    }
  }, [preferences])
}

function nameOf({ key }: KeyboardEvent): string {
  return key.length === 1 ? key.toLowerCase() : key
}

const TYPED_IN = 'input:not([type=checkbox], [type=radio], [type=range], [type=button]), textarea, select, [contenteditable]'
const PRESSED_BY_SPACE = 'button, a, input:not([type=radio]:checked), summary, [role=button]'

function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true
  const target = event.target as Element
  if (target.closest?.(TYPED_IN)) return true
  if ((event.key === ' ' || event.key === 'Enter') && target.closest?.(PRESSED_BY_SPACE)) return true
  if (event.key.startsWith('Arrow') && target.closest?.('input, [role=listbox], [tabindex="0"]')) return true
  return document.querySelector('dialog[open]') !== null
}
