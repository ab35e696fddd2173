import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** Whether what is shown follows the service right now. */
export function FeedStatus() {
  const status = useShell().feed.status.value
  if (status === 'idle') return <span class="feed-status" />
  return (
    <span class="feed-status" data-status={status}>
      {strings.nav.feed[status]}
    </span>
  )
}
