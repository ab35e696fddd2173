import type { ComponentType } from 'preact'
import type { Scope } from '../../core/domain/scopes.ts'
import type { PageProps } from './page-props.ts'
import { strings } from './strings.ts'

export type Route = {
  /** Segments with `:name` stand for anything. */
  path: string
  scope: Scope
  load(): Promise<ComponentType<PageProps>>
}

export const ROUTES: Route[] = [
  { path: '/', scope: 'review', load: async () => (await import('./pages/queue.tsx')).QueuePage },
  { path: '/review', scope: 'review', load: async () => (await import('./pages/review.tsx')).ReviewPage },
  { path: '/review/:id', scope: 'review', load: async () => (await import('./pages/review.tsx')).ReviewPage },
  { path: '/bulk', scope: 'review', load: async () => (await import('./pages/bulk.tsx')).BulkPage },
  { path: '/overview', scope: 'review', load: async () => (await import('./pages/overview.tsx')).OverviewPage },
  { path: '/policies', scope: 'review', load: async () => (await import('./pages/policies.tsx')).PoliciesPage },
  { path: '/policies/:id', scope: 'review', load: async () => (await import('./pages/policy.tsx')).PolicyPage },
  { path: '/uploads/:id', scope: 'review', load: async () => (await import('./pages/upload.tsx')).UploadPage },
  { path: '/webhooks', scope: 'admin', load: async () => (await import('./pages/webhooks.tsx')).WebhooksPage },
  { path: '/webhooks/:id', scope: 'admin', load: async () => (await import('./pages/webhook.tsx')).WebhookPage },
  { path: '/audit', scope: 'admin', load: async () => (await import('./pages/audit.tsx')).AuditPage },
  { path: '/keys', scope: 'admin', load: async () => (await import('./pages/keys.tsx')).KeysPage },
  { path: '/settings', scope: 'review', load: async () => (await import('./pages/settings.tsx')).SettingsPage },
]

export type NavigationGroup = { title: string; links: { path: string; text: string; scope: Scope }[] }

export const NAVIGATION: NavigationGroup[] = [
  {
    title: strings.nav.moderate,
    links: [
      { path: '/', text: strings.nav.queue, scope: 'review' },
      { path: '/review', text: strings.nav.review, scope: 'review' },
      { path: '/bulk', text: strings.nav.bulk, scope: 'review' },
    ],
  },
  {
    title: strings.nav.observe,
    links: [
      { path: '/overview', text: strings.nav.overview, scope: 'review' },
      { path: '/policies', text: strings.nav.policies, scope: 'review' },
    ],
  },
  {
    title: strings.nav.administer,
    links: [
      { path: '/webhooks', text: strings.nav.webhooks, scope: 'admin' },
      { path: '/audit', text: strings.nav.audit, scope: 'admin' },
      { path: '/keys', text: strings.nav.keys, scope: 'admin' },
      { path: '/settings', text: strings.nav.settings, scope: 'review' },
    ],
  },
]

export function matchRoute(path: string): { route: Route; params: Record<string, string> } | undefined {
  for (const route of ROUTES) {
    const params = matchPath(route.path, path)
    if (params) return { route, params }
  }
  return undefined
}

/** What ids are made of. Anything else, such as an encoded slash, would lead what is asked of the service astray. */
const ID = /^[\w-]+$/

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? ''
    if (segment.startsWith(':')) {
      if (!ID.test(value)) return undefined
      params[segment.slice(1)] = value
    } else if (segment !== value) return undefined
  }
  return params
}
