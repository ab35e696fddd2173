import { existsSync } from 'node:fs'
import path from 'node:path'
import { packageRoot } from '../../../services/core/infra/package-root.ts'
import { type Contestant, contest } from '../contest.ts'
import type { Measured, Ratio } from '../report.ts'
import { ourContestants, TURNS, times } from './our-contestants.ts'
import { python } from './peers.ts'
import type { Setting } from './prepare-clip.ts'

/** undefined when it is not installed. */
export async function againstOpenClip(setting: Setting): Promise<Measured | undefined> {
  if (!existsSync(python)) {
    console.log('open_clip is not installed, to be compared with it: see test/bench/requirements.txt')
    return undefined
  }
  const ours = ourContestants(setting)
  const script = path.join(packageRoot, 'test/bench/clip/open_clip_peer.py')
  const theirs = (part: string): Contestant => ({
    name: `open_clip ${part}`,
    command: [python, script],
    args: { part, files: setting.files },
  })
  const rates = await contest([ours['our preprocessing'], theirs('preprocessing'), ours['ours fp32'], theirs('batches')], TURNS)
  const ratio = (name: string, one: string, other: string): Ratio => ({ name, value: times(rates, one, other), direction: 'min' })
  return {
    ratios: [
      ratio('preprocessing against that of open_clip in Python', 'our preprocessing', 'open_clip preprocessing'),
      ratio('ViT-B/32 fp32 against open_clip on PyTorch, batches of 8, text cached', 'ours fp32', 'open_clip batches'),
    ],
    figures: { perSecond: Object.fromEntries(rates) },
  }
}
