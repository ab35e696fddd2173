import { useEffect } from 'preact/hooks'
import { useShell } from '../shell.ts'
import { watchActivity } from './activity.ts'

const TICK_MS = 5000
/** Whoever touches nothing for so long is not working. */
const PAUSE_MS = 120_000

/** Counts the time that somebody looks at reviews: while the page is seen and used. */
export function useWorkClock(): void {
  const { wellbeing } = useShell()
  useEffect(() => {
    const activity = watchActivity()
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible' && activity.idleMs() < PAUSE_MS) wellbeing.tick(TICK_MS)
    }, TICK_MS)
    return () => {
      clearInterval(timer)
      activity.stop()
    }
  }, [wellbeing])
}
