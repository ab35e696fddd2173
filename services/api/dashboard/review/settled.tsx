import { Button } from '../parts/button.tsx'
import { strings } from '../strings.ts'
import type { Entry } from './line-contract.ts'

/** Why nothing can be decided here any more. */
export function Settled({ entry, onForward }: { entry: Entry; onForward(): void }) {
  return (
    <div class={entry.status === 'lost' ? 'note warning settled' : 'note settled'}>
      <p>{settledText(entry)}</p>
      <Button shortcut="N" onClick={onForward}>
        {strings.review.next}
      </Button>
    </div>
  )
}

function settledText({ review, status, ruling, problem }: Entry): string {
  const { claim, resolution } = review
  const text = strings.review
  if (status === 'skipped') return text.skipped
  if (status === 'sending' && ruling) return text.doneWith(ruling.action, ruling.reason_code)
  if (status === 'resolved' && resolution) return text.resolvedBy(resolution.by.name, resolution.action, resolution.reason_code)
  if (claim && !claim.mine) return text.heldBy(claim.by.name)
  return problem ? text.lost(problem) : text.lostWithoutReason
}
