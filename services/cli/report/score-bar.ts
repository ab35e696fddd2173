import type { RuleResult } from '../../core/domain/decide.ts'
import { type Html, html } from './html.ts'

/** A score in 0 … 1 as a bar, with a mark at its threshold; nothing for a rule that errored. Drawn by attributes alone: the page's policy forbids inline styles. */
export function scoreBar({ score, threshold, matched }: Pick<RuleResult, 'score' | 'threshold' | 'matched'>): Html {
  if (score === undefined || threshold === undefined) return html``
  const label = `score ${score.toFixed(3)}, threshold ${threshold.toFixed(3)}`
  return html`<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${label}"><rect class="track" width="100" height="10"/><rect class="${matched ? 'over' : 'under'}" width="${percent(score)}" height="10"/><rect class="mark" x="${percent(threshold) - 0.5}" width="1" height="10"/></svg>`
}

function percent(value: number): number {
  return Math.round(1000 * Math.min(1, Math.max(0, value))) / 10
}
