import { type ComponentChildren, Fragment } from 'preact'
import type { AuditView } from '../../../core/domain/audit.ts'
import { Badge } from '../parts/badge.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** A row of the log; what was changed exactly, and its place in the chain, are behind it. */
export function AuditEntry({ entry }: { entry: AuditView }) {
  const { at, actor, action, subject } = entry
  const text = strings.audit
  return (
    <li class="audit-entry">
      <details>
        <summary>
          <strong>{text.actions[action as keyof typeof text.actions] ?? action}</strong>
          <span>
            {actor.name} <Badge>{text.actors[actor.kind]}</Badge>
          </span>
          <span class="dim">
            <RelativeTime at={at} />
          </span>
          <code class="dim">{subject}</code>
        </summary>
        <Details entry={entry} />
      </details>
    </li>
  )
}

function Details({ entry }: { entry: AuditView }) {
  const { seq, at, actor, action, subject, details, hash, prev_hash } = entry
  const text = strings.audit
  const rows: [string, ComponentChildren][] = [
    [text.subject, <Id key="subject" page={pageOf(action)} id={subject} />],
    ...Object.entries(details).map(([name, value]): [string, ComponentChildren] => [name, detailOf(name, value)]),
    [text.exactly, action],
    [text.at, at],
    [text.actorId, actor.id],
    [text.seq, String(seq)],
    [text.hash, hash],
    [text.prevHash, prev_hash],
  ]
  return (
    <dl class="pairs">
      {rows.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{name}</dt>
          <dd class="mono">{value}</dd>
        </Fragment>
      ))}
    </dl>
  )
}

/** An id, which leads to its page where there is one. */
function Id({ page, id }: { page: string | undefined; id: string }) {
  const { router } = useShell()
  return page === undefined ? id : <a href={router.href(`${page}/${encodeURIComponent(id)}`)}>{id}</a>
}

const PAGES: Record<string, string> = { webhook: '/webhooks', upload: '/uploads' }
/** Nothing is left of these, or it was done to something that has no page. */
const NO_PAGE = ['webhook.delete', 'webhook.redeliver', 'upload.erase']

function pageOf(action: string): string | undefined {
  return NO_PAGE.includes(action) ? undefined : PAGES[action.split('.')[0] ?? '']
}

function detailOf(name: string, value: unknown): ComponentChildren {
  if (typeof value !== 'string') return JSON.stringify(value)
  return name === 'upload_id' ? <Id page="/uploads" id={value} /> : value
}
