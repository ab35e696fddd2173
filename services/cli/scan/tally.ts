import type { Action } from '../../core/domain/policy.ts'
import { counted } from '../counted.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { FailedFile, JudgedFile } from './scan-result.ts'

/** What a scan came to, in numbers of files. */
export type Tally = Record<Action, number> & {
  failed: number
  /** Files of folders that are no images. */
  skipped: number
  /** Matches of shadow policies, which did not act, by policy. */
  shadow: Map<string, number>
}

export function emptyTally(): Tally {
  return { approve: 0, flag: 0, reject: 0, failed: 0, skipped: 0, shadow: new Map() }
}

export function countIn(tally: Tally, result: JudgedFile | FailedFile): void {
  if ('error' in result) {
    tally.failed++
    return
  }
  tally[result.action]++
  for (const { id, mode, action } of result.policies)
    if (mode === 'shadow' && action !== 'approve') tally.shadow.set(id, (tally.shadow.get(id) ?? 0) + 1)
}

/** Nothing to judge is an error too: a path that is wrong must not pass for a folder without trouble. */
export function exitCodeOf({ approve, flag, reject, failed }: Tally): ExitCode {
  if (failed > 0 || approve + flag + reject === 0) return EXIT.failed
  return flag + reject > 0 ? EXIT.found : EXIT.ok
}

/** A line of numbers, and one about shadow policies when they matched. */
export function summaryOf(tally: Tally): string {
  const { approve, flag, reject, failed, skipped, shadow } = tally
  const total = approve + flag + reject + failed
  const numbers = `${approve} approved, ${flag} flagged, ${reject} rejected, ${counted(failed, 'error')}`
  const lines = [`${counted(total, 'image')}: ${numbers}`]
  if (skipped > 0)
    lines.push(`skipped: ${skipped} ${skipped === 1 ? 'file that is' : 'files that are'} not JPEG, PNG, WebP or GIF`)
  const matches = [...shadow].map(([id, count]) => `${id} ${count}`)
  if (matches.length > 0) lines.push(`would also be flagged by policies in shadow: ${matches.join(', ')}`)
  return lines.join('\n')
}
