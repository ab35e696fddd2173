import { InferenceSession } from 'onnxruntime-node'
import { AppError } from '../../../core/domain/errors.ts'

/**
 * Writes a graph to `to` with what is the same for every input worked out, such as weights that are kept as fewer bits, and with the weights that lie beside it. Throws AppError `invalid-model`.
 */
export async function foldConstants(file: string, to: string): Promise<void> {
  try {
    const session = await InferenceSession.create(file, {
      // What goes further is for this processor only.
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath: to,
      extra: { session: WITH_ALL_WEIGHTS },
      logSeverityLevel: 3,
    })
    await session.release()
  } catch (cause) {
    throw new AppError('invalid-model', `${file} cannot be loaded and written anew: ${(cause as Error).message}`, { cause })
  }
}

/** Else weights beside a graph stay there. To have them in it takes a name for a file beside the new one, and that none is large enough for that file. */
const WITH_ALL_WEIGHTS = {
  optimized_model_external_initializers_file_name: 'weights',
  optimized_model_external_initializers_min_size_in_bytes: String(2 ** 40),
}
