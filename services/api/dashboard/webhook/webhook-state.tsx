import { Badge } from '../parts/badge.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { strings } from '../strings.ts'
import type { Webhook } from './webhook.ts'

/** Whether events reach an endpoint, and if not, why. */
export function WebhookState({ webhook: { state, disabled_reason, failures = 0, paused_until } }: { webhook: Webhook }) {
  const text = strings.webhooks
  if (state === 'disabled')
    return <Badge tone={disabled_reason === 'gone' ? 'reject' : 'neutral'}>{text.disabled[disabled_reason ?? 'request']}</Badge>
  if (failures === 0) return <Badge tone="approve">{text.enabled}</Badge>
  return (
    <span class="row">
      <Badge tone="flag">{text.failing(failures)}</Badge>
      {paused_until && (
        <span class="dim small">
          {text.nextTry} <RelativeTime at={paused_until} />
        </span>
      )}
    </span>
  )
}
