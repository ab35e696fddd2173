import os from 'node:os'
import path from 'node:path'
import { listSupportedBackends } from 'onnxruntime-node'
import { readConfig } from '../../../services/core/infra/config.ts'
import { EXECUTION_PROVIDERS, type ExecutionProvider } from '../../../services/core/infra/execution-providers.ts'
import { ourContestants, times } from '../clip/our-contestants.ts'
import { prepareClip } from '../clip/prepare-clip.ts'
import { type Contestant, contest } from '../contest.ts'
import type { Measured, Ratio } from '../report.ts'
import { workingProviders } from './working-providers.ts'

const BATCHES = [1, 32, 128]
const TURNS = { rounds: 3, seconds: 2, pinned: false }
const DECODING = 'our preprocessing'

/** ViT-B/32's image side on each execution provider that works against all cores, and how much of a picture's time would be decoding. */
export async function benchProviders(dir: string): Promise<Measured> {
  const working = await workingProviders(wished(), path.join(dir, 'graphs'))
  if (working.length === 0) {
    console.log('no execution provider but cpu works here: nothing of a GPU was measured')
    return { ratios: [], figures: {} }
  }
  const setting = await prepareClip(dir)
  const on = (provider: ExecutionProvider, batch: number): Contestant => ({
    name: nameOf(provider, batch),
    entry: 'providers/model-on-provider',
    args: { dir: setting.clip, graphDir: path.join(dir, 'graphs'), provider, threads: os.availableParallelism(), batch },
  })
  const models = (['cpu', ...working] as const).flatMap((provider) => BATCHES.map((batch) => on(provider, batch)))
  const rates = await contest([...models, ourContestants(setting)[DECODING]], TURNS)
  return {
    ratios: working.flatMap((provider) => BATCHES.flatMap((batch) => ratiosOf(rates, provider, batch))),
    figures: { perSecond: Object.fromEntries(rates) },
  }
}

/** What the environment names, or all that the runtime has. */
function wished(): ExecutionProvider[] {
  const { PIXWARDEN_EXECUTION_PROVIDERS } = process.env
  const names = listSupportedBackends().map(({ name }) => name)
  const providers = PIXWARDEN_EXECUTION_PROVIDERS
    ? readConfig({ PIXWARDEN_EXECUTION_PROVIDERS }).executionProviders
    : EXECUTION_PROVIDERS.filter((provider) => names.includes(provider))
  return providers.filter((provider) => provider !== 'cpu')
}

function nameOf(provider: ExecutionProvider, batch: number): string {
  return `${provider}, batch ${batch}`
}

function ratiosOf(rates: ReadonlyMap<string, number>, provider: ExecutionProvider, batch: number): Ratio[] {
  const name = nameOf(provider, batch)
  const decodings = times(rates, DECODING, name)
  return [
    { name: `ViT-B/32 on ${name} ÷ on all cores`, value: times(rates, name, nameOf('cpu', batch)), direction: 'min' },
    { name: `ViT-B/32 on ${name}: decoding's share of a picture's time`, value: 1 / (1 + decodings), direction: 'max' },
  ]
}
