import type { ComponentChildren } from 'preact'

/** A key as it is printed, for those who see it; others hear of it by aria-keyshortcuts. */
export function Key({ children }: { children: ComponentChildren }) {
  return (
    <span class="key" aria-hidden="true">
      {children}
    </span>
  )
}
