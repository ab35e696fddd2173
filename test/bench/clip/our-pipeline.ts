import { readConfig } from '../../../services/core/infra/config.ts'
import { silentLogger } from '../../../services/core/infra/logger.ts'
import { loadPolicies } from '../../../services/core/infra/policy-loader.ts'
import { openModel } from '../../../services/worker/clip/open-model.ts'
import { decodeImage } from '../../../services/worker/image/decode-image.ts'
import { restrictSharp } from '../../../services/worker/image/open-picture.ts'
import { createJudge } from '../../../services/worker/judge.ts'
import { takeTurns } from '../take-turns.ts'

/** What a worker does with a picture, from its file to the verdicts; or only what comes before the model. */
type Args = { part: 'judge' | 'preprocess'; dir: string; graphDir: string; policiesDir: string; files: string[] }

/** Pictures in a worker's hands at once. */
const AT_ONCE = 16
/** So many that their first and last batches, which are not full, count for little. */
const A_TURN = 64

const { part, dir, graphDir, policiesDir, files } = JSON.parse(process.argv[2] ?? '') as Args
const model = await openModel(dir)
await takeTurns(part === 'judge' ? await judging() : preprocessing())

async function judging(): Promise<() => Promise<number>> {
  const judge = createJudge({ ...readConfig({ PIXWARDEN_DECODERS: '1' }), model, graphDir, log: silentLogger() })
  const { policies } = await loadPolicies(policiesDir, { modelId: model.id })
  await Promise.all([judge.ready(), judge.usePolicies(policies)])
  return async () => {
    let started = 0
    // As in a worker: when one is done, another begins.
    const judgeOneByOne = async () => {
      while (started < A_TURN) await judge.judge(files[started++ % files.length] as string)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, judgeOneByOne))
    return A_TURN
  }
}

function preprocessing(): () => Promise<number> {
  restrictSharp({ avif: false })
  const settings = { preprocessing: model.preprocessing, mode: 'fast', maxPixels: 50_000_000 } as const
  return async () => {
    for (const file of files) await decodeImage(file, settings)
    return files.length
  }
}
