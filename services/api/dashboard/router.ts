import { type Signal, signal } from '@preact/signals'

/** Where one is, below the dashboard's own path: `/reviews/42`, and the search parameters. */
export type Place = { path: string; query: Record<string, string> }

export type Router = {
  place: Signal<Place>
  /** The address of a path, for links. */
  href(path: string): string
  go(path: string, options?: { replace?: boolean }): void
  /** Follows links within the dashboard and the browser's own buttons from now on. */
  listen(): void
  /** The one-time token of `#link=…`, which is taken out of the address. */
  takeLink(): string | undefined
}

export function createRouter(base: string): Router {
  const place = signal(placeOf(base, location))
  const follow = () => {
    place.value = placeOf(base, location)
  }
  const go: Router['go'] = (path, { replace = false } = {}) => {
    history[replace ? 'replaceState' : 'pushState'](null, '', base + path)
    follow()
    if (!replace) scrollTo(0, 0)
  }

  return {
    place,
    href: (path) => base + path,
    go,
    listen() {
      addEventListener('popstate', follow)
      document.addEventListener('click', (event) => {
        const link = plainClick(event) ? (event.target as Element).closest('a') : null
        if (!link?.href || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
        if (link.pathname !== base && !link.pathname.startsWith(`${base}/`)) return
        if (link.getAttribute('href')?.startsWith('#')) return
        event.preventDefault()
        go(link.pathname.slice(base.length) + link.search)
      })
    },
    takeLink() {
      const token = new URLSearchParams(location.hash.slice(1)).get('link')
      if (token === null) return undefined
      history.replaceState(null, '', location.pathname + location.search)
      return token
    },
  }
}

function placeOf(base: string, { pathname, search }: Location): Place {
  const path = pathname.slice(base.length).replace(/\/+$/, '') || '/'
  return { path, query: Object.fromEntries(new URLSearchParams(search)) }
}

function plainClick({ button, ctrlKey, metaKey, shiftKey, altKey, defaultPrevented }: MouseEvent): boolean {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey && !altKey && !defaultPrevented
}
