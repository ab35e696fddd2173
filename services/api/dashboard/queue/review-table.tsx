import type { Review } from '../api-types.ts'
import { Badge } from '../parts/badge.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** Reviews with who has them. */
export function ReviewTable({ reviews }: { reviews: Review[] }) {
  const { router } = useShell()
  const text = strings.queue
  const columns: Column<Review>[] = [
    { key: 'upload', head: text.columns.upload, heads: true, cell: (review) => <UploadName review={review} /> },
    { key: 'reason', head: text.columns.reason, cell: (review) => <Reasons review={review} /> },
    { key: 'state', head: text.columns.state, cell: (review) => <StateOf review={review} /> },
    { key: 'opened', head: text.columns.opened, cell: ({ opened_at }) => <RelativeTime at={opened_at} /> },
    { key: 'priority', head: text.columns.priority, numeric: true, cell: ({ priority }) => priority.toFixed(1) },
    {
      key: 'open',
      head: text.columns.open,
      cell: (review) => (
        <a class="target" href={router.href(`/review/${review.id}`)} aria-label={text.openOneOf(nameOf(review))}>
          {text.openOne}
        </a>
      ),
    },
  ]
  return (
    <Table
      caption={text.list}
      columns={columns}
      rows={reviews}
      rowKey={({ id }) => id}
      rowClass={({ state }) => `review-${state}`}
    />
  )
}

function UploadName({ review }: { review: Review }) {
  const { upload } = review
  return (
    <>
      <span class="upload-name">{nameOf(review)}</span>
      <span class="dim small">{[upload.source, upload.uploader].filter(Boolean).join(' · ')}</span>
    </>
  )
}

/** What the platform calls it, else the end of our own id. */
function nameOf({ upload }: Review): string {
  return upload.external_id ?? `…${upload.id.slice(-8)}`
}

function Reasons({ review: { action, reason_codes, origin, reports } }: { review: Review }) {
  return (
    <span class="row tight">
      {reason_codes.map((code) => (
        <Badge key={code} tone={action}>
          {code}
        </Badge>
      ))}
      {origin !== 'decision' && <Badge tone="info">{strings.queue.origins[origin]}</Badge>}
      {reports > 0 && <span class="small dim">{strings.queue.reports(reports)}</span>}
    </span>
  )
}

function StateOf({ review: { state, claim, resolution } }: { review: Review }) {
  if (state === 'resolved' && resolution)
    return <Badge tone={resolution.action}>{strings.queue.resolvedBy(resolution.action, resolution.by.name)}</Badge>
  if (state === 'claimed' && claim)
    return <Badge tone="info">{claim.mine ? strings.queue.heldByMe : strings.queue.heldBy(claim.by.name)}</Badge>
  return <span class="dim">{strings.queue.states.open}</span>
}
