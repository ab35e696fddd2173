import type { ComponentChildren } from 'preact'
import type { Tone } from './badge.tsx'

/** A number that matters, what it counts, and what puts it in proportion. Belongs into a `dl` of the class `figures`. */
export function Figure({
  label,
  value,
  note,
  tone = 'neutral',
  children,
}: {
  label: string
  value: ComponentChildren
  note?: ComponentChildren
  tone?: Tone
  /** A small drawing. */
  children?: ComponentChildren
}) {
  return (
    <div class="figure" data-tone={tone}>
      <dt>{label}</dt>
      <dd class="figure-value">{value}</dd>
      {note && <dd class="figure-note">{note}</dd>}
      {children && <dd class="figure-drawing">{children}</dd>}
    </div>
  )
}
