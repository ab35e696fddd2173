import { effect, type Signal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { type Api, createApi } from './api.ts'
import { createFeed, type Feed } from './feed.ts'
import { createPreferences, type Preferences } from './preferences.ts'
import { createWellbeing, type Wellbeing } from './review/wellbeing.ts'
import { createRouter, type Router } from './router.ts'
import { createSession, type SessionStore } from './session.ts'

/** What every page works with. */
export type Shell = {
  api: Api
  session: SessionStore
  feed: Feed
  router: Router
  preferences: Preferences
  wellbeing: Wellbeing
  /** What was said last to those who listen to the page; see `Announcer`. */
  announced: Signal<{ text: string; urgent: boolean }>
  announce(text: string, urgent?: boolean): void
  start(): Promise<void>
}

export const ShellContext = createContext<Shell | undefined>(undefined)

export function useShell(): Shell {
  const shell = useContext(ShellContext)
  if (!shell) throw new Error('there is no shell around this component')
  return shell
}

export function createShell(): Shell {
  const preferences = createPreferences(localStorage)
  const wellbeing = createWellbeing(sessionStorage)
  const router = createRouter('/dashboard')
  const session = createSession()
  const api = createApi(session.state)
  const feed = createFeed({ isSignedIn: () => session.check(api) })
  const announced = signal({ text: '', urgent: false })

  effect(() => {
    document.documentElement.dataset.theme = preferences.current.value.theme
  })
  effect(() => {
    if (session.state.value.kind === 'signed-out') feed.close()
  })

  return {
    api,
    session,
    feed,
    router,
    preferences,
    wellbeing,
    announced,
    announce: (text, urgent = false) => {
      // What is said twice is read out twice only when it differs.
      const again = announced.peek().text === text
      announced.value = { text: again ? `${text}\u00a0` : text, urgent }
    },
    async start() {
      router.listen()
      const link = router.takeLink()
      await (link === undefined ? session.check(api) : session.signInByLink(api, link))
    },
  }
}
