import type { ComponentChildren } from 'preact'

export type Tone = 'neutral' | 'approve' | 'flag' | 'reject' | 'info'

/** A word or two with a colour that repeats what it says. */
export function Badge({ tone = 'neutral', children }: { tone?: Tone; children: ComponentChildren }) {
  return (
    <span class="badge" data-tone={tone}>
      {children}
    </span>
  )
}
