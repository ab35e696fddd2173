import { z } from 'zod'
import { ANY_MODEL, type Thresholds } from './policy.ts'

const finite = z.number('a number is needed')
const thresholds = z
  .strictObject(
    { flag: finite.optional(), reject: finite.optional() },
    { error: ({ code }) => (code === 'invalid_type' ? 'a pair { flag, reject } is needed' : undefined) },
  )
  .refine(({ flag, reject }) => flag !== undefined || reject !== undefined, 'flag, reject or both are needed')

/** A pair for every model, or a map from model ids to pairs. */
export const thresholdsByModel = z
  .record(z.string(), z.unknown(), { error: 'thresholds are { flag, reject }, or a map from model ids to that' })
  .transform((value, context): Record<string, Thresholds> => {
    const out: Record<string, Thresholds> = {}
    for (const { model, pair, at } of pairsOf(value)) {
      const parsed = thresholds.safeParse(pair)
      if (parsed.success) out[model] = parsed.data
      else for (const issue of parsed.error.issues) context.addIssue({ ...issue, path: [...at, ...issue.path] } as never)
    }
    return out
  })

/** Takes thresholds apart, with the path of each pair. A pair and a map are told apart by their keys, so that the problem named is the one meant. */
export function pairsOf(value: Record<string, unknown>): { model: string; pair: unknown; at: string[] }[] {
  const keys = Object.keys(value)
  const plain = keys.length === 0 || keys.some((key) => key === 'flag' || key === 'reject')
  if (plain) return [{ model: ANY_MODEL, pair: value, at: [] }]
  return Object.entries(value).map(([model, pair]) => ({ model, pair, at: [model] }))
}
