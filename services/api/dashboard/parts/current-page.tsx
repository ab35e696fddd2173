import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import type { PageProps } from '../page-props.ts'
import { matchRoute, type Route } from '../routes.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { EmptyState } from './empty-state.tsx'
import { ErrorNote } from './error-note.tsx'

type Loaded = { route: Route; Page: ComponentType<PageProps> }

/** The page that the address names. The one before stays until the next has loaded. */
export function CurrentPage() {
  const { router, session } = useShell()
  const loaded = useSignal<Loaded | undefined>(undefined)
  const failure = useSignal<unknown>(undefined)
  const { path, query } = router.place.value
  const match = matchRoute(path)
  const route = match?.route

  useEffect(() => {
    if (!route) return
    let wanted = true
    failure.value = undefined
    route.load().then(
      (Page) => {
        if (wanted) loaded.value = { route, Page }
      },
      (error: unknown) => {
        if (wanted) failure.value = error
      },
    )
    return () => {
      wanted = false
    }
  }, [route, loaded, failure])

  if (!match) return <EmptyState title={strings.app.notFound}>{strings.app.notFoundHint}</EmptyState>
  if (!session.allows(match.route.scope))
    return <EmptyState title={strings.app.notAllowed}>{strings.app.notAllowedHint}</EmptyState>
  if (failure.value) return <ErrorNote title={strings.app.pageFailed} error={failure.value} onRetry={() => location.reload()} />
  if (loaded.value?.route !== route) return <p class="dim">{strings.app.loading}</p>
  const { Page } = loaded.value as Loaded
  return <Page params={match.params} query={query} />
}
