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
        {queues.map(({ name, open, saved }) => (
          <li key={name}>
            <a
              href={router.href(name === 'all' ? '/' : `/?queue=${encodeURIComponent(name)}`)}
              aria-current={name === chosen ? 'true' : undefined}
            >
              <span>
                {name === 'all' ? strings.queue.all : name}
                {saved && <span class="dim small">{` ${strings.queue.saved}`}</span>}
              </span>
              <b>{countText(open)}</b>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}
