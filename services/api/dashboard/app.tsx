import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { SignInPage } from './pages/sign-in.tsx'
import { Announcer } from './parts/announcer.tsx'
import { CurrentPage } from './parts/current-page.tsx'
import { ErrorNote } from './parts/error-note.tsx'
import { Layout } from './parts/layout.tsx'
import { useShell } from './shell.ts'
import { strings } from './strings.ts'

/** Whoever is not signed in sees the sign-in page at any address, and is where it leads afterwards. */
export function App() {
  return (
    <>
      <Content />
      <Announcer />
    </>
  )
}

function Content() {
  const { session, api } = useShell()
  const state = session.state.value
  switch (state.kind) {
    case 'unknown':
    case 'signing-out':
      return <Patience />
    case 'unreachable':
      return (
        <main class="lone">
          <ErrorNote title={strings.app.unreachable} error={state.error} onRetry={() => session.check(api)} />
        </main>
      )
    case 'signed-out':
      return <SignInPage expired={state.expired} error={state.error} />
    case 'signed-in':
      return (
        <Layout session={state.session}>
          <CurrentPage />
        </Layout>
      )
  }
}

/** Says that something loads only when it takes long enough to be noticed. */
function Patience() {
  const shown = useSignal(false)
  useEffect(() => {
    const timer = setTimeout(() => {
      shown.value = true
    }, 400)
    return () => clearTimeout(timer)
  }, [shown])
  return <main class="lone">{shown.value && <p class="dim">{strings.app.loading}</p>}</main>
}
