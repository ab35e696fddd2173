import type { Mode } from '../../../core/domain/policy.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { strings } from '../strings.ts'

const TONES: Record<Mode, Tone> = { enforce: 'approve', shadow: 'info', off: 'neutral' }

/** Whether a policy acts. */
export function ModeBadge({ mode }: { mode: Mode }) {
  return <Badge tone={TONES[mode]}>{strings.modes[mode]}</Badge>
}
