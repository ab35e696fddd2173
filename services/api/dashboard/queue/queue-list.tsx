import type { NamedQueue } from '../api-types.ts'
import { countText } from '../parts/format.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** Queues by name with how many wait in each. */
export function QueueList({ queues, chosen }: { queues: NamedQueue[]; chosen: string }) {
  const { router } = useShell()
  return (
    <nav class="panel queue-list" aria-label={strings.queue.queues}>
      <ul>
        {queues.map((queue) => (
          <li key={queue.name}>
            <a href={router.href(addressOf(queue))} aria-current={queue.name === chosen ? 'true' : undefined}>
              <span>
                {labelOf(queue)}
                <span class="dim small">{kindOf(queue)}</span>
              </span>
              <b>{countText(queue.open)}</b>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function addressOf({ name }: NamedQueue): string {
  return name === 'all' ? '/' : `/?queue=${encodeURIComponent(name)}`
}

/** Those that nobody has saved are named after the one thing that they filter by. */
function labelOf({ name, saved, filter: { policy, source, origin } }: NamedQueue): string {
  if (name === 'all') return strings.queue.all
  return saved ? name : (policy ?? source ?? origin ?? name)
}

function kindOf({ saved, filter }: NamedQueue): string {
  const kinds = strings.queue.kinds
  if (saved) return ` ${kinds.saved}`
  const kind = (['policy', 'source', 'origin'] as const).find((each) => filter[each] !== undefined)
  return kind ? ` ${kinds[kind]}` : ''
}
