import type { PastUpload, SimilarUpload, UploaderHistory } from '../../../core/domain/past-upload.ts'
import { Badge, type Tone } from '../parts/badge.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import type { Facts } from './facts.ts'

/** What came before: the same uploader's pictures, and pictures that are nearly this one. */
export function PastPanels({ facts }: { facts: Facts }) {
  const history = facts.history.value
  const similar = facts.similar.value
  if (facts.error.value) return <p class="note warning">{strings.review.factsFailed}</p>
  return (
    <>
      <section class="panel">
        <h2>{strings.review.similar}</h2>
        {similar &&
          (similar.length === 0 ? <p class="dim small">{strings.review.noSimilar}</p> : <SimilarList items={similar} />)}
      </section>
      <section class="panel">
        <h2>{strings.review.history}</h2>
        {history && <History history={history} />}
      </section>
    </>
  )
}

function SimilarList({ items }: { items: SimilarUpload[] }) {
  return (
    <ul class="past-list">
      {items.map((item) => (
        <li key={item.upload_id}>
          <b>{strings.review.similarity(item.similarity)}</b>
          <Outcome item={item} />
          <UploadLink id={item.upload_id} at={item.decided_at} />
        </li>
      ))}
    </ul>
  )
}

function History({ history: { uploader, totals, sampled, items } }: { history: UploaderHistory }) {
  if (uploader === undefined) return <p class="dim small">{strings.review.noUploader}</p>
  return (
    <>
      <p class="uploader">{uploader}</p>
      <p class="small">{sampled ? strings.review.newestTotals(totals) : strings.review.totals(totals)}</p>
      <ul class="past-list">
        {items.slice(0, 6).map((item) => (
          <li key={item.upload_id}>
            <Outcome item={item} />
            <UploadLink id={item.upload_id} at={item.received_at} />
          </li>
        ))}
      </ul>
    </>
  )
}

/** Leaves the page where it is: somebody may be in the middle of a review. */
function UploadLink({ id, at }: { id: string; at: string }) {
  const { router } = useShell()
  return (
    <a href={router.href(`/uploads/${id}`)} target="_blank" rel="noreferrer">
      <span class="unseen">{strings.uploads.see} </span>
      <RelativeTime at={at} />
    </a>
  )
}

/** What a person made of it, else what the machine did. */
function Outcome({ item: { action, reason_codes, resolution } }: { item: PastUpload }) {
  const reasons = resolution ? resolution.reason_code : reason_codes.join(', ')
  const said = resolution ? strings.review.byPerson[resolution.action] : strings.review.byMachine[action]
  const tone: Tone = resolution?.action ?? action
  return (
    <span>
      <Badge tone={tone}>{said}</Badge> <span class="small dim">{reasons}</span>
    </span>
  )
}
