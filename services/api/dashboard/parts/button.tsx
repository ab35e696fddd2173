import type { ComponentProps } from 'preact'
import { Key } from './key.tsx'

export type ButtonProps = Omit<ComponentProps<'button'>, 'class'> & {
  kind?: 'primary' | 'plain' | 'quiet' | 'approve' | 'reject' | 'danger'
  /** The key that does the same, as it is printed on the button. */
  shortcut?: string | undefined
  /** Something is on its way: the button stays where it is and does nothing. */
  busy?: boolean
  class?: string
}

export function Button({ kind = 'plain', shortcut, busy = false, class: more, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={['button', kind, more].filter(Boolean).join(' ')}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      aria-keyshortcuts={shortcut}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      <span>{children}</span>
      {shortcut && <Key>{shortcut}</Key>}
    </button>
  )
}
