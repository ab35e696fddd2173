import type { Comparing } from './open-compared.ts'
import { openVision } from './open-vision.ts'

/** The process that compares graphs for a worker, and ends with it. */
process.on('disconnect', () => process.exit())
process.once('message', ({ model, options }: Comparing) => {
  openVision(model, options).then(
    () => process.exit(),
    // The worker finds the same, and tells of it.
    () => process.exit(1),
  )
})
