import { judgeScore } from './decide.ts'
import { type Action, mostSevere, type Thresholds } from './policy.ts'

/** A policy's verdict on an upload, as far as other thresholds of one of its rules may change it. */
export type StoredVerdict = {
  uploadId: string
  /** What the policy came to. */
  action: Action
  /** That rule's; undefined when it errored, and flagged. */
  score: number | undefined
  /** The most severe that the other rules came to. */
  others: Action
}

export type ActionCounts = Record<Action, number>

/** `newly`: what was approved and would not be any more. `noLonger`: the other way round. Both in the order given. */
export type WhatIf = { before: ActionCounts; after: ActionCounts; newly: StoredVerdict[]; noLonger: StoredVerdict[] }

/** What the policy would have come to if the rule had had these thresholds, of which there is at least one. */
export function whatIf(verdicts: StoredVerdict[], thresholds: Thresholds): WhatIf {
  const judged = verdicts.map((verdict) => ({ verdict, after: actionUnder(thresholds, verdict) }))
  const turned = (from: boolean) =>
    judged
      .filter(({ verdict, after }) => (verdict.action === 'approve') === from && (after === 'approve') !== from)
      .map(({ verdict }) => verdict)
  return {
    before: countActions(verdicts.map(({ action }) => action)),
    after: countActions(judged.map(({ after }) => after)),
    newly: turned(true),
    noLonger: turned(false),
  }
}

function actionUnder(thresholds: Thresholds, { score, others }: StoredVerdict): Action {
  const action = score === undefined ? 'flag' : judgeScore(score, thresholds)?.action
  return mostSevere(action ?? 'flag', others)
}

function countActions(actions: Action[]): ActionCounts {
  const counts: ActionCounts = { approve: 0, flag: 0, reject: 0 }
  for (const action of actions) counts[action] += 1
  return counts
}
