import { warn } from '../warn.ts'
import { writeOutput } from '../write-output.ts'
import type { Reporter } from './reporter.ts'
import { vectorsOf } from './scan-result.ts'
import { summaryOf } from './tally.ts'

/** One object a line, or one array of them, on stdout; the numbers on stderr. `embeddings` adds each view's vector. */
export function jsonReporter({ array, embeddings }: { array: boolean; embeddings: boolean }): Reporter {
  let written = 0
  return {
    streams: true,
    async add(finished) {
      const vectors = embeddings && finished.kind === 'judged' ? { embeddings: vectorsOf(finished.judgement) } : {}
      const line = JSON.stringify({ ...finished.result, ...vectors })
      await writeOutput(array ? `${written === 0 ? '[' : ','}\n${line}` : `${line}\n`)
      written++
    },
    async finish(tally) {
      if (array) await writeOutput(written === 0 ? '[]\n' : '\n]\n')
      warn(summaryOf(tally))
    },
  }
}
