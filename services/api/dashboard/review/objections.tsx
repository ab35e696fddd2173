import type { Review } from '../api-types.ts'
import { strings } from '../strings.ts'

/** Who is not content with what was decided: the one who appealed, or those who reported it. */
export function Objections({ review: { appeal, reports, earlier = [] } }: { review: Review }) {
  if (!appeal && reports === 0) return null
  return (
    <section class="note warning">
      {appeal && (
        <p>
          <b>{strings.review.appeal}</b> {appeal.reason ?? strings.review.appealWithoutReason}
        </p>
      )}
      {reports > 0 && <p>{strings.queue.reports(reports)}</p>}
      {earlier.map(({ by, at, action, reason_code, note }) => (
        <p key={at} class="small">
          {[strings.review.resolvedBy(by.name, action, reason_code), note].filter(Boolean).join('. ')}
        </p>
      ))}
    </section>
  )
}
