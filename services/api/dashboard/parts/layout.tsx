import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Session } from '../api-types.ts'
import { NAVIGATION } from '../routes.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { Button } from './button.tsx'
import { FeedStatus } from './feed-status.tsx'
import { Mark } from './mark.tsx'

/** Bar, navigation and the place of the page. Where it is narrow the navigation waits behind a button. */
export function Layout({ session, children }: { session: Session; children: ComponentChildren }) {
  const { api, session: store, router } = useShell()
  const open = useSignal(false)
  const { path } = router.place.value

  useEffect(() => {
    open.value = false
  }, [path, open])

  return (
    <div class="layout">
      <a class="skip-link" href="#page">
        {strings.app.skip}
      </a>
      <header class="bar">
        <Button
          kind="quiet"
          class="menu-button"
          aria-expanded={open.value}
          aria-controls="navigation"
          onClick={() => (open.value = !open.value)}
        >
          {strings.nav.menu}
        </Button>
        <a class="brand" href={router.href('/')}>
          <Mark />
          {strings.app.name}
        </a>
        <FeedStatus />
        <span class="who">{strings.nav.signedInAs(session.name, session.tenant)}</span>
        <Button kind="quiet" onClick={() => store.signOut(api)}>
          {strings.nav.signOut}
        </Button>
      </header>
      <nav id="navigation" class={open.value ? 'navigation open' : 'navigation'} aria-label={strings.nav.label}>
        {NAVIGATION.map((group) => (
          <NavigationLinks key={group.title} group={group} path={path} />
        ))}
      </nav>
      <main id="page" class="page" tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}

function NavigationLinks({ group, path }: { group: (typeof NAVIGATION)[number]; path: string }) {
  const { session, router } = useShell()
  const links = group.links.filter(({ scope }) => session.allows(scope))
  if (links.length === 0) return null
  return (
    <section class="navigation-group">
      <h2>{group.title}</h2>
      <ul>
        {links.map((link) => (
          <li key={link.path}>
            <a href={router.href(link.path)} aria-current={isCurrent(link.path, path) ? 'page' : undefined}>
              {link.text}
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

function isCurrent(link: string, path: string): boolean {
  return link === '/' ? path === '/' : path === link || path.startsWith(`${link}/`)
}
