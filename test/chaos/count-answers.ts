import type { Answer } from './client.ts'

/** How many answers there were of each status, with the code of a refusal. */
export function countAnswers(answers: Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status = 'none', code = '' } of answers) {
    const what = `${status} ${code}`.trim()
    counts[what] = (counts[what] ?? 0) + 1
  }
  return counts
}
