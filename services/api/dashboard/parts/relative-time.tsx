import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { relativeTime } from './format.ts'

/** `3 min ago`, kept right; the exact time is in its title. */
export function RelativeTime({ at }: { at: string | undefined }) {
  const { api } = useShell()
  const now = useSignal(api.now())
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = api.now()
    }, 30_000)
    return () => clearInterval(timer)
  }, [api, now])
  if (at === undefined) return <span class="dim">{strings.parts.unknownTime}</span>
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {relativeTime(Date.parse(at), now.value)}
    </time>
  )
}
