import type { Decision } from '../../../core/domain/decision.ts'
import { tellingRule } from '../../../core/domain/telling-rule.ts'
import type { Page } from '../api-types.ts'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { scoreText } from '../parts/format-figures.ts'
import { usePages } from '../parts/use-pages.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { UploadTiles } from './upload-tiles.tsx'

const PAGE_LENGTH = 18

/** What a policy did not approve, newest first. */
export function RecentMatches({ policyId }: { policyId: string }) {
  const { api } = useShell()
  const matches = usePages<Decision>(
    (cursor, signal) =>
      api.get<Page<Decision>>('/decisions', { query: { policy: policyId, cursor, limit: PAGE_LENGTH }, signal }),
    [policyId],
  )
  const found = matches.items.value
  const text = strings.policies
  return (
    <section class="panel" aria-labelledby="matches-title">
      <h2 id="matches-title">{text.recent}</h2>
      {matches.error.value !== undefined && <ErrorNote error={matches.error.value} onRetry={matches.reload} />}
      {found.length === 0 && !matches.loading.value && <EmptyState title={text.noMatches} />}
      <UploadTiles tiles={found.map((decision) => tileOf(decision, policyId))} />
      {matches.hasMore.value && (
        <Button busy={matches.loading.value} onClick={matches.more}>
          {strings.parts.more}
        </Button>
      )}
    </section>
  )
}

/** Images of what was approved are deleted; others may be gone as well, which the picture says itself. */
function tileOf({ id, action, policies }: Decision, policyId: string) {
  const verdict = policies.find((policy) => policy.id === policyId)
  const rule = tellingRule(verdict?.rules ?? [])
  const score = rule?.score === undefined ? strings.policies.noScore : scoreText(rule.score)
  return { id, hasImage: action !== 'approve', text: score, label: strings.policies.matched(rule?.id ?? policyId, score) }
}
