import type { Review } from '../api-types.ts'
import { byteText } from '../parts/format.ts'
import { RelativeTime } from '../parts/relative-time.tsx'
import { strings } from '../strings.ts'

/** The upload as the platform told of it. All of that is somebody else's text. */
export function FileFacts({ review }: { review: Review }) {
  const { upload } = review
  const { image } = upload
  const size = image.width && image.height ? `${image.width} × ${image.height}, ` : ''
  const rows: [string, preact.ComponentChildren][] = [
    [strings.review.externalId, upload.external_id],
    [strings.review.source, upload.source],
    [strings.review.uploader, upload.uploader],
    [strings.review.file, `${image.mime}, ${size}${byteText(image.byte_size)}`],
    [strings.review.received, <RelativeTime key="received" at={upload.received_at} />],
    [strings.review.opened, <RelativeTime key="opened" at={review.opened_at} />],
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

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
