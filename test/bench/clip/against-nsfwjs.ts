import { type Contestant, contest } from '../contest.ts'
import type { Measured, Ratio } from '../report.ts'
import { ourContestants, TURNS, times } from './our-contestants.ts'
import { isInstalled } from './peers.ts'
import type { Setting } from './prepare-clip.ts'

/** The smallest model that it ships, which is its default, and the largest, which does as much work for a picture as ViT-B/32. */
const MODELS = [
  { model: 'MobileNetV2', size: 224 },
  { model: 'InceptionV3', size: 299 },
]

/**
 * Its models know five classes and no others, so this says what a picture costs and not what is found. It runs on tfjs' WebAssembly: tfjs-node fetches its native
 * library from outside the registry when it is installed. undefined when it is not installed.
 */
export async function againstNsfwjs(setting: Setting): Promise<Measured | undefined> {
  if (!isInstalled('nsfwjs')) {
    console.log('nsfwjs is not installed: npm install --prefix test/bench, to be compared with it')
    return undefined
  }
  const ours = ourContestants(setting)
  const theirs = MODELS.map(
    ({ model, size }): Contestant => ({ name: model, entry: 'clip/nsfwjs', args: { model, size, files: setting.files } }),
  )
  const rates = await contest([ours['ours embedded'], ours['ours fp32'], ours['ours q8'], ...theirs], TURNS)
  const ratio = (name: string, one: string, other: string): Ratio => ({
    name: `${name} against nsfwjs' ${other} on WebAssembly`,
    value: times(rates, one, other),
    direction: 'min',
  })
  return {
    ratios: [
      ratio('the embedded model', 'ours embedded', 'MobileNetV2'),
      ratio('ViT-B/32 fp32', 'ours fp32', 'MobileNetV2'),
      ratio('ViT-B/32 int8', 'ours q8', 'MobileNetV2'),
      ratio('ViT-B/32 fp32', 'ours fp32', 'InceptionV3'),
    ],
    figures: { perSecond: Object.fromEntries(rates) },
  }
}
