import type { Measured } from '../report.ts'
import { againstNsfwjs } from './against-nsfwjs.ts'
import { againstOpenClip } from './against-open-clip.ts'
import { againstTransformers } from './against-transformers.ts'
import { prepareClip } from './prepare-clip.ts'

/** Against what else there is, on one core; what is not installed is left out, and said so. */
export async function benchPeers(dir: string): Promise<Measured> {
  const setting = await prepareClip(dir)
  const parts = {
    'transformers.js': await againstTransformers(setting),
    nsfwjs: await againstNsfwjs(setting),
    open_clip: await againstOpenClip(setting),
  }
  const found = Object.entries(parts).filter((part): part is [string, Measured] => part[1] !== undefined)
  return {
    ratios: found.flatMap(([, { ratios }]) => ratios),
    figures: Object.fromEntries(found.map(([name, { figures }]) => [name, figures])),
  }
}
