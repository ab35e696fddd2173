import { useMemo } from 'preact/hooks'
import type { Decision, UploadView } from '../../../core/domain/decision.ts'
import type { PageProps } from '../page-props.ts'
import { Badge } from '../parts/badge.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useTitle } from '../parts/use-title.ts'
import { createFacts } from '../review/facts.ts'
import { PastPanels } from '../review/past-panels.tsx'
import { usePolicyTexts } from '../review/policy-texts.ts'
import { RuleFacts } from '../review/rule-facts.tsx'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/review.css'
import '../styles/admin.css'
import { UploadFacts } from '../upload/upload-facts.tsx'
import { UploadPicture } from '../upload/upload-picture.tsx'
import { UploadReview } from '../upload/upload-review.tsx'

/** One upload: what was decided and why, its picture if that is still there, and what came before. Nothing can be decided here. */
export function UploadPage({ params: { id = '' } }: PageProps) {
  const { api } = useShell()
  const { data, error, reload } = useLoad((signal) => api.get<UploadView>(`/uploads/${id}`, { signal }), [id])
  const upload = data.value
  useTitle(strings.uploads.title)
  return (
    <>
      <header class="page-head">
        <div class="row">
          <h1>{strings.uploads.title}</h1>
          {upload && <Outcome upload={upload} />}
        </div>
      </header>
      {error.value !== undefined && <ErrorNote error={error.value} onRetry={reload} />}
      {upload && <Upload key={upload.id} upload={upload} />}
    </>
  )
}

function Outcome({ upload }: { upload: UploadView }) {
  if (upload.status === 'pending') return <Badge>{strings.uploads.pending}</Badge>
  return (
    <>
      <Badge tone={upload.action}>{strings.actions[upload.action]}</Badge>
      {upload.recommendation.reason_codes.length > 0 && <span>{upload.recommendation.reason_codes.join(', ')}</span>}
      <span class="dim">
        <RelativeTime at={upload.decided_at} />
      </span>
    </>
  )
}

function Upload({ upload }: { upload: UploadView }) {
  const { api } = useShell()
  const facts = useMemo(() => createFacts(api).of(upload.id), [api, upload.id])
  return (
    <div class="desk">
      <div class="desk-picture">
        <UploadPicture upload={upload} />
      </div>
      <div class="desk-facts">
        {upload.status === 'decided' && <Judged decision={upload} />}
        <UploadReview uploadId={upload.id} />
        <PastPanels facts={facts} />
        <UploadFacts upload={upload} />
      </div>
    </div>
  )
}

function Judged({ decision }: { decision: Decision }) {
  const policies = usePolicyTexts()
  return <RuleFacts decision={decision} policies={policies.value} />
}
