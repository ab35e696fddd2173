import type { Review } from '../api-types.ts'
import { byteText } from '../parts/format.ts'
import { RelativeTime } from '../parts/relative-time.tsx'
import { strings } from '../strings.ts'

/** The upload as the platform told of it. All of that is somebody else's text. */
export function FileFacts({ review }: { review: Review }) {
  const { upload, appeal, reports, earlier = [] } = review
  const { image } = upload
  const size = image.width && image.height ? `${image.width} × ${image.height}, ` : ''
  const rows: [string, preact.ComponentChildren][] = [
    [strings.review.externalId, upload.external_id],
    [strings.review.source, upload.source],
    [strings.review.uploader, upload.uploader],
    [strings.review.file, `${image.mime}, ${size}${byteText(image.byte_size)}`],
    [strings.review.received, <RelativeTime key="received" at={upload.received_at} />],
    [strings.review.opened, <RelativeTime key="opened" at={review.opened_at} />],
    [strings.review.reports, reports > 0 ? String(reports) : undefined],
    [strings.review.appeal, appeal && (appeal.reason ?? strings.review.appealWithoutReason)],
    [strings.review.before, beforeText(earlier)],
    [
      strings.review.uploadId,
      <span key="id" class="mono">
        {upload.id}
      </span>,
    ],
    ...Object.entries(upload.metadata ?? {}).map(([name, value]): [string, string] => [name, valueText(value)]),
  ]
  return (
    <section class="panel">
      <h2>{strings.review.upload}</h2>
      <dl class="facts">
        {rows
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  )
}

/** What people decided before it was opened again. */
function beforeText(earlier: NonNullable<Review['earlier']>): string | undefined {
  const texts = earlier.map(({ by, action, reason_code }) => strings.review.resolvedBy(by.name, action, reason_code))
  return texts.length > 0 ? texts.join('; ') : undefined
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
