import { hasProblem } from '../api.ts'
import type { Resolution, Review } from '../api-types.ts'
import { Badge } from '../parts/badge.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** What people made of an upload, or are to. */
export function UploadReview({ uploadId }: { uploadId: string }) {
  const { api } = useShell()
  const { data, error, loading, reload } = useLoad(
    (signal) => api.get<Review>(`/uploads/${uploadId}/review`, { signal }),
    [uploadId],
  )
  const text = strings.uploads
  const review = data.value
  return (
    <section class="panel">
      <h2>{text.review}</h2>
      {review && <Told review={review} />}
      {!review && hasProblem(error.value, 'not-found') && <p class="dim small">{text.noReview}</p>}
      {!review && !loading.value && !hasProblem(error.value, 'not-found') && <ErrorNote error={error.value} onRetry={reload} />}
    </section>
  )
}

function Told({ review }: { review: Review }) {
  const { id, state, opened_at, claim, resolution, earlier = [], reports, appeal } = review
  const { router } = useShell()
  const text = strings.uploads
  return (
    <ol class="told">
      {earlier.map((each) => (
        <Resolved key={each.at} resolution={each} />
      ))}
      {reports > 0 && <li>{text.reported(reports)}</li>}
      {appeal && (
        <li>
          {text.appealed(appeal.reason)} <RelativeTime at={appeal.at} />
        </li>
      )}
      {resolution && <Resolved resolution={resolution} />}
      {claim && <li>{text.heldBy(claim.by.name)}</li>}
      {state === 'open' && (
        <li>
          <a href={router.href(`/review/${id}`)}>{text.waits}</a> <RelativeTime at={opened_at} />
        </li>
      )}
    </ol>
  )
}

function Resolved({ resolution: { action, reason_code, note, by, at } }: { resolution: Resolution }) {
  return (
    <li>
      <Badge tone={action}>{strings.uploads.ruled[action]}</Badge> {strings.uploads.ruledBy(by.name, reason_code)}{' '}
      <RelativeTime at={at} />
      {note && <p class="small">{note}</p>}
    </li>
  )
}
