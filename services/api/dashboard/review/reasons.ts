import type { Review } from '../api-types.ts'

export type Reason = { code: string; text: string /** The machine's reason too. */; matched: boolean }

/** What a rejection can be for besides a policy. */
const OTHER_REJECTIONS = ['spam', 'other'] as const
export const APPROVALS = ['no-violation', 'allowed-context', 'other'] as const

type Texts = Record<(typeof OTHER_REJECTIONS)[number] | 'undecodable', string>

/** The reasons to reject with: the machine's first, then the other policies, then what no policy is about. The first is what is meant when none is chosen. */
export function rejectionReasons(
  review: Pick<Review, 'reason_codes'>,
  policies: { id: string; title: string }[],
  texts: Texts,
): Reason[] {
  const titles = new Map<string, string>([...policies.map(({ id, title }) => [id, title] as const), ...Object.entries(texts)])
  const codes = new Set([...review.reason_codes, ...policies.map(({ id }) => id), ...OTHER_REJECTIONS])
  return [...codes].map((code) => ({ code, text: titles.get(code) ?? code, matched: review.reason_codes.includes(code) }))
}
