import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { OverviewWindow } from '../../../core/domain/overview-span.ts'
import type { Thresholds } from '../../../core/domain/policy.ts'
import { ErrorNote } from '../parts/error-note.tsx'
import { countText } from '../parts/format.ts'
import { scoreText } from '../parts/format-figures.ts'
import { Table } from '../parts/table.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import type { ChangedUpload, WhatIf } from './policy.ts'
import { UploadTiles } from './upload-tiles.tsx'

/** A slider that moves asks only when it rests. */
const REST_MS = 200
const ACTIONS = ['approve', 'flag', 'reject'] as const

type WhatIfProps = { policyId: string; ruleId: string; thresholds: Thresholds; span: OverviewWindow }

/** How the policy would have decided the stored uploads with these thresholds for one of its rules. */
export function WhatIfResult({ policyId, ruleId, thresholds, span }: WhatIfProps) {
  const { api } = useShell()
  const { flag, reject } = useRested(thresholds)
  const answer = useLoad(
    (signal) =>
      api.get<WhatIf>(`/policies/${encodeURIComponent(policyId)}/what-if`, {
        query: { rule: ruleId, flag: flag ?? 'none', reject: reject ?? 'none', window: span },
        signal,
      }),
    [policyId, ruleId, flag, reject, span],
  )
  const found = answer.data.value
  const text = strings.policies
  if (answer.error.value !== undefined) return <ErrorNote error={answer.error.value} onRetry={answer.reload} />
  if (!found) return null
  return (
    <div class="what-if" aria-busy={answer.loading.value}>
      <Table
        caption={
          found.sampled
            ? text.newest(countText(found.considered))
            : text.whatIf(countText(found.considered), strings.overview.spans[span].long)
        }
        captionHidden={false}
        rows={[...ACTIONS]}
        rowKey={(action) => action}
        columns={[
          { key: 'action', head: text.outcome, heads: true, cell: (action) => strings.actions[action] },
          { key: 'now', head: text.now, numeric: true, cell: (action) => countText(found.now[action]) },
          { key: 'then', head: text.wouldBe, numeric: true, cell: (action) => countText(found.then[action]) },
          {
            key: 'change',
            head: text.change,
            numeric: true,
            cell: (action) => changeText(found.then[action] - found.now[action]),
          },
        ]}
      />
      <Changed title={text.newly} uploads={found.newly} />
      <Changed title={text.noLonger} uploads={found.no_longer} />
    </div>
  )
}

function Changed({ title, uploads }: { title: string; uploads: ChangedUpload[] }) {
  if (uploads.length === 0) return null
  return (
    <section>
      <h3>{title}</h3>
      <UploadTiles
        tiles={uploads.map(({ upload_id, score, has_image }) => ({
          id: upload_id,
          hasImage: has_image,
          label: strings.policies.scored(scoreOrNone(score)),
          text: scoreOrNone(score),
        }))}
      />
    </section>
  )
}

/** The latest value that has not changed for a moment. */
function useRested(thresholds: Thresholds): Thresholds {
  const rested = useSignal(thresholds)
  const { flag, reject } = thresholds
  useEffect(() => {
    const timer = setTimeout(() => {
      rested.value = { flag, reject }
    }, REST_MS)
    return () => clearTimeout(timer)
  }, [flag, reject, rested])
  return rested.value
}

function scoreOrNone(score: number | undefined): string {
  return score === undefined ? strings.policies.noScore : scoreText(score)
}

function changeText(change: number): string {
  if (change === 0) return '±0'
  return change > 0 ? `+${countText(change)}` : `−${countText(-change)}`
}
