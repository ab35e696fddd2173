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
    <li class="panel audit-entry">
      <div class="audit-line">
        <strong>{text.actions[action as keyof typeof text.actions] ?? action}</strong>
        <span>
          {actor.name} <Badge>{text.actors[actor.kind]}</Badge>
        </span>
        <span class="dim">
          <RelativeTime at={at} />
        </span>
        <Subject action={action} subject={subject} />
      </div>
      <Details entry={entry} />
    </li>
  )
}

/** The id of what it was done to, which leads there where there is a page. */
function Subject({ action, subject }: Pick<AuditView, 'action' | 'subject'>) {
  const { router } = useShell()
  const page = pageOf(action)
  if (page === undefined) return <code>{subject}</code>
  return (
    <a class="mono" href={router.href(`${page}/${encodeURIComponent(subject)}`)}>
      {subject}
    </a>
  )
}

function pageOf(action: string): string | undefined {
  if (action === 'webhook.delete' || action === 'upload.erase') return undefined
  const pages: Record<string, string> = { webhook: '/webhooks', upload: '/uploads' }
  return pages[action.split('.')[0] ?? '']
}

function Details({ entry: { seq, at, actor, details, hash, prev_hash } }: { entry: AuditView }) {
  const text = strings.audit
  const rows: [string, string][] = [
    ...Object.entries(details).map(([name, value]): [string, string] => [name, valueText(value)]),
    [text.at, at],
    [text.actorId, actor.id],
    [text.seq, String(seq)],
    [text.hash, hash],
    [text.prevHash, prev_hash],
  ]
  return (
    <details>
      <summary>{text.details}</summary>
      <dl class="pairs">
        {rows.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd class="mono">{value}</dd>
          </>
        ))}
      </dl>
    </details>
  )
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
