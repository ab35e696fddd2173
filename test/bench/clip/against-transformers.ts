import { HUGE_PAGES } from '../../../services/core/infra/huge-pages.ts'
import { type Contestant, contest } from '../contest.ts'
import type { Measured, Ratio } from '../report.ts'
import { ourContestants, TURNS, times } from './our-contestants.ts'
import { isInstalled } from './peers.ts'
import type { Setting } from './prepare-clip.ts'

/** undefined when it is not installed. */
export async function againstTransformers(setting: Setting): Promise<Measured | undefined> {
  if (!isInstalled('@huggingface/transformers')) {
    console.log('transformers.js is not installed: npm install --prefix test/bench, to be compared with it')
    return undefined
  }
  const ours = ourContestants(setting)
  const { clip, prompts, files } = setting
  const theirs = (part: string, dtype: string): Contestant => ({
    name: `${part} ${dtype}`,
    entry: 'clip/transformers-js',
    args: { part, dtype, dir: clip, prompts, files },
  })
  const rates = await contest(
    [
      ours['ours fp32'],
      ours['ours q8'],
      ...['pipeline', 'batched pipeline', 'batches'].flatMap((part) => [theirs(part, 'fp32'), theirs(part, 'q8')]),
      inHugePages(theirs('batches', 'fp32')),
      inHugePages(theirs('batches', 'q8')),
      ours['our preprocessing'],
      theirs('preprocessing', 'fp32'),
    ],
    TURNS,
  )
  const ratio = (name: string, one: string, other: string, goal?: number): Ratio => ({
    name,
    value: times(rates, one, other),
    ...(goal !== undefined && { goal }),
    direction: 'min',
  })
  return {
    ratios: [
      ratio('against the pipeline of transformers.js, 12 prompts, fp32', 'ours fp32', 'pipeline fp32', 3),
      ratio('against the same, our int8', 'ours q8', 'pipeline fp32', 5),
      ratio('against the same, int8 on both sides', 'ours q8', 'pipeline q8'),
      ratio('against the same with 8 pictures a call, fp32', 'ours fp32', 'batched pipeline fp32'),
      ratio('against the same with 8 pictures a call, int8 on both sides', 'ours q8', 'batched pipeline q8'),
      ratio('against its strongest use, fp32', 'ours fp32', 'batches fp32', 1.2),
      ratio('against its strongest use, int8', 'ours q8', 'batches q8', 1.3),
      ratio('against the same in huge pages, as ours is, fp32', 'ours fp32', 'batches fp32 in huge pages'),
      ratio('against the same in huge pages, as ours is, int8', 'ours q8', 'batches q8 in huge pages'),
      ratio('preprocessing against that of transformers.js', 'our preprocessing', 'preprocessing fp32', 3),
    ],
    figures: { perSecond: Object.fromEntries(rates), prompts },
  }
}

/** Nothing of its own tells to start it so, but anybody can. */
function inHugePages(contestant: Contestant): Contestant {
  return { ...contestant, name: `${contestant.name} in huge pages`, env: HUGE_PAGES }
}
