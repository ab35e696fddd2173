import { InferenceSession } from 'onnxruntime-node'
import { AppError } from '../../../core/domain/errors.ts'

/** Writes a graph to `to` with what is the same for every input worked out, such as weights that are kept as fewer bits. Throws AppError `invalid-model`. */
export async function foldConstants(file: string, to: string): Promise<void> {
  try {
    const session = await InferenceSession.create(file, {
      // What goes further is for this processor only.
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath: to,
      logSeverityLevel: 3,
    })
    await session.release()
  } catch (cause) {
    throw new AppError('invalid-model', `${file} cannot be loaded: ${(cause as Error).message}`, { cause })
  }
}
