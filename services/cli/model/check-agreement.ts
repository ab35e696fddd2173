import path from 'node:path'
import type { Check } from './check.ts'
import type { Agreement } from './compare-decisions.ts'

/** What a model in fewer bits must keep of its original to take its place. */
export const ENOUGH = { sameAction: 0.99, scoresApart: 0.03 }

const NAMED = 5

/** Whether a model decides as its original. */
export function checkAgreement(agreement: Agreement): Check[] {
  const { pictures, sameAction, sameActionBy, apart, differing } = agreement
  const policies = Object.entries(sameActionBy).filter(([, share]) => share < 1)
  const worst = policies.map(([id, share]) => `, ${id} ${percent(share)}`).join('')
  return [
    {
      check: 'same action',
      ok: sameAction >= ENOUGH.sameAction,
      detail: `${percent(sameAction)} of ${pictures} pictures, at least ${percent(ENOUGH.sameAction)}${worst}${named(differing)}`,
    },
    {
      check: 'scores',
      ok: apart.p95 <= ENOUGH.scoresApart,
      detail: Number.isNaN(apart.p95)
        ? 'no rule has one: do the policies have thresholds for this model?'
        : `95 % at most ${apart.p95.toFixed(4)} apart, at most ${ENOUGH.scoresApart}; half ${apart.p50.toFixed(4)}, most ${apart.most.toFixed(4)}`,
    },
  ]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function named(files: string[]): string {
  if (files.length === 0) return ''
  const more = files.length > NAMED ? ` and ${files.length - NAMED} more` : ''
  return `; not ${files
    .slice(0, NAMED)
    .map((file) => path.basename(file))
    .join(', ')}${more}`
}
