import type { Overview } from '../../../core/domain/overview.ts'
import { ShareMeter } from '../charts/share-meter.tsx'
import { Figure } from '../parts/figure.tsx'
import { countText } from '../parts/format.ts'
import { durationText, shareText } from '../parts/format-figures.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** What waits for people, and what they made of the machine's suspicions. */
export function ReviewFigures({ reviews }: Pick<Overview, 'reviews'>) {
  const { router } = useShell()
  const { open, claimed, oldest_seconds, resolved, upheld, overturned, median_handling_seconds } = reviews
  const judged = upheld + overturned
  const text = strings.overview
  return (
    <section class="panel" aria-labelledby="reviews-title">
      <h2 id="reviews-title">{text.reviews}</h2>
      <dl class="figures">
        <Figure
          label={text.open}
          value={<a href={router.href('/')}>{countText(open)}</a>}
          note={open + claimed === 0 ? text.nothingWaits : text.oldest(durationText(oldest_seconds ?? 0))}
        />
        <Figure label={text.claimed} value={countText(claimed)} note={text.claimedNote} />
        <Figure
          label={text.resolved}
          value={countText(resolved)}
          note={median_handling_seconds !== undefined && text.handling(durationText(median_handling_seconds))}
        />
        <Figure
          label={text.upheld}
          value={shareText(upheld, judged)}
          note={text.upheldNote(countText(upheld), countText(overturned))}
        >
          {judged > 0 && <ShareMeter part={upheld} whole={judged} label={text.upheldSummary(upheld, judged)} />}
        </Figure>
      </dl>
    </section>
  )
}
