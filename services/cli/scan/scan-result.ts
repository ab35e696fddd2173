import { outcomeOf, type PolicyVerdict } from '../../core/domain/decide.ts'
import { type Recommendation, recommend, type Timings } from '../../core/domain/decision.ts'
import type { ErrorCode } from '../../core/domain/errors.ts'
import type { Action } from '../../core/domain/policy.ts'
import type { Judgement } from '../../worker/judge.ts'

/** A judged file, as its JSON shows it; the fields are those of a decision over HTTP. */
export type JudgedFile = {
  file: string
  action: Action
  recommendation: Recommendation
  policies: PolicyVerdict[]
  model: { id: string; revision: string }
  image: { width: number; height: number }
  /** Which views are missing. */
  detail?: string
  timings_ms: Timings
}
export type FailedFile = { file: string; error: { code: ErrorCode; message: string } }

export function judgedFile(file: string, judgement: Judgement, model: { id: string; revision: string }): JudgedFile {
  const { verdicts, width, height, missing, timingsMs } = judgement
  const { action, reasonCodes } = outcomeOf(verdicts)
  return {
    file,
    action,
    recommendation: recommend(action, reasonCodes),
    policies: verdicts,
    model: { id: model.id, revision: model.revision },
    image: { width, height },
    ...(missing.length > 0 && { detail: `missing views: ${missing.join(', ')}` }),
    timings_ms: {
      decode: tenths(timingsMs.decode),
      inference: tenths(timingsMs.inference),
      decide: tenths(timingsMs.decide),
    },
  }
}

/** The views' unit embeddings for JSON. Nine digits hold a float32 exactly. */
export function vectorsOf({ embeddings }: Judgement): { view: string; vector: number[] }[] {
  return embeddings.map(({ view, embedding }) => ({ view, vector: Array.from(embedding, (x) => Number(x.toPrecision(9))) }))
}

export function failedFile(file: string, code: ErrorCode, message: string): FailedFile {
  return { file, error: { code, message } }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
