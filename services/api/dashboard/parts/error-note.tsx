import { ApiProblem } from '../api.ts'
import { strings } from '../strings.ts'
import { Button } from './button.tsx'

/** What went wrong, in the service's words, with a way to try again. */
export function ErrorNote({
  error,
  title = strings.parts.failed,
  onRetry,
}: {
  error: unknown
  title?: string
  onRetry?: () => unknown
}) {
  return (
    <div class="note error" role="alert">
      <strong>{title}</strong>
      <p>{errorText(error)}</p>
      {onRetry && <Button onClick={() => void onRetry()}>{strings.parts.retry}</Button>}
    </div>
  )
}

export function errorText(error: unknown): string {
  if (error instanceof ApiProblem && error.code === 'offline') return strings.parts.offline
  return error instanceof Error ? error.message : String(error)
}
