import { readConfig } from '../../../services/core/infra/config.ts'
import { silentLogger } from '../../../services/core/infra/logger.ts'
import { loadPolicies } from '../../../services/core/infra/policy-loader.ts'
import { openModel } from '../../../services/worker/clip/open-model.ts'
import { createJudge } from '../../../services/worker/judge.ts'
import { takeTurns } from '../take-turns.ts'

/** Judges files with the embedded model by policies that ask for `views` of each. */
export type JudgeFiles = { graphDir: string; policiesDir: string; files: string[]; views: number }

const { graphDir, policiesDir, files, views } = JSON.parse(process.argv[2] ?? '') as JudgeFiles
const model = await openModel('embedded')
const judge = createJudge({ ...readConfig({ PIXWARDEN_DECODERS: '1' }), model, graphDir, log: silentLogger() })
const { policies } = await loadPolicies(policiesDir, { modelId: model.id })
await Promise.all([judge.ready(), judge.usePolicies(policies)])
await takeTurns(async () => {
  const judged = await Promise.all(files.map((file) => judge.judge(file)))
  const wrong = judged.find(({ embeddings }) => embeddings.length !== views)
  if (wrong) throw new Error(`${wrong.embeddings.length} views instead of ${views}; missing: ${wrong.missing.join(', ')}`)
  return judged.length
})
