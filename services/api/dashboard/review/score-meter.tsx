import { strings } from '../strings.ts'

/** A score against its threshold: the bar, a mark where it would match, and both numbers. Scores that can be below 0 are cosines and margins. */
export function ScoreMeter({
  score,
  threshold,
  matched,
  compact = false,
}: {
  score: number
  threshold: number | undefined
  matched: boolean
  compact?: boolean
}) {
  const place = (value: number) => Math.min(Math.max(value, 0), 1) * 100
  const text =
    threshold === undefined ? score.toFixed(3) : strings.review.scoreText(score.toFixed(3), threshold.toFixed(3), matched)
  return (
    <div class={compact ? 'meter compact' : 'meter'} data-matched={matched}>
      <svg role="img" aria-label={text} viewBox="0 0 100 8" preserveAspectRatio="none">
        <rect class="track" width="100" height="8" />
        <rect class="value" width={place(score)} height="8" />
        {threshold !== undefined && <rect class="threshold" x={Math.min(place(threshold), 99.2)} width="0.8" height="8" />}
      </svg>
      <span aria-hidden="true">
        <b>{score.toFixed(3)}</b>
        {threshold !== undefined && ` ${matched ? '≥' : '<'} ${threshold.toFixed(3)}`}
      </span>
    </div>
  )
}
