import type { EventType } from '../../../core/domain/events.ts'
import { strings } from '../strings.ts'

/** What a webhook hears of; none named means all. */
export function EventNames({ types }: { types: EventType[] }) {
  if (types.length === 0) return <span>{strings.webhooks.allEvents}</span>
  return (
    <ul class="phrases">
      {types.map((type) => (
        <li key={type}>
          <code>{type}</code>
        </li>
      ))}
    </ul>
  )
}
