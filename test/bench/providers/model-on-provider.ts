import type { ExecutionProvider } from '../../../services/core/infra/execution-providers.ts'
import { openModel } from '../../../services/worker/clip/open-model.ts'
import { openVision } from '../../../services/worker/clip/open-vision.ts'
import { refuseTelemetry } from '../../../services/worker/clip/refuse-telemetry.ts'
import { takeTurns } from '../take-turns.ts'

/** Runs a model's image side on an execution provider. Ends with 1 when that cannot be. */
type Args = { dir: string; graphDir: string; provider: ExecutionProvider; threads: number; batch: number }

const { dir, graphDir, provider, threads, batch } = JSON.parse(process.argv[2] ?? '') as Args
refuseTelemetry()
try {
  const model = await openModel(dir)
  const session = await openVision(model, { threads, graphDir, provider })
  const { width, height } = model.preprocessing
  const views = Array.from({ length: batch }, (_, view) => new Uint8Array(3 * width * height).fill(view))
  await takeTurns(async () => (await session.embed(views)).length)
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
