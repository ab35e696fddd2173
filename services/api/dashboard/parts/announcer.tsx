import { useShell } from '../shell.ts'

/** Reads out what happens: decisions, what others did, what failed. Two regions, since an urgent one may interrupt. */
export function Announcer() {
  const { text, urgent } = useShell().announced.value
  return (
    <>
      <div class="unseen" role="status">
        {urgent ? '' : text}
      </div>
      <div class="unseen" role="alert">
        {urgent ? text : ''}
      </div>
    </>
  )
}
