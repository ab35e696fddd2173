import { InferenceSession } from 'onnxruntime-node'
import { AppError } from '../../core/domain/errors.ts'
import type { ExecutionProvider } from '../../core/infra/execution-providers.ts'

export type TensorInfo = { name: string; type: string; shape: readonly (number | string)[] }

export type SessionOptions = { threads: number; provider?: ExecutionProvider }

/** A graph in memory, with the inputs and outputs that take or give tensors. */
export type Session = {
  session: InferenceSession
  inputs: TensorInfo[]
  outputs: TensorInfo[]
}

/** Loads a graph. Throws AppError `invalid-model` when it cannot be loaded. */
export async function openSession(file: string, { threads, provider = 'cpu' }: SessionOptions): Promise<Session> {
  try {
    const session = await InferenceSession.create(file, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // Plans memory for one batch size and keeps a block for each that comes: no faster, and 80 MB more for eight.
      enableMemPattern: false,
    })
    return { session, inputs: tensors(session.inputMetadata), outputs: tensors(session.outputMetadata) }
  } catch (cause) {
    throw new AppError('invalid-model', `${file} cannot be loaded: ${(cause as Error).message}`, { cause })
  }
}

/** The output that holds the embedding: CLIP's exports have a projection by name, SigLIP's pool, open_clip's have nothing else. Throws AppError `invalid-model`. */
export function embeddingOutput(file: string, outputs: TensorInfo[], projection: string, size: number | undefined): string {
  const named = (wanted: string) => outputs.find(({ name }) => name === wanted)
  const output = named(projection) ?? named('pooler_output') ?? (outputs.length === 1 ? outputs[0] : undefined)
  const names = outputs.map(({ name }) => name).join(', ')
  if (!output) throw new AppError('invalid-model', `${file} has no output ${projection} or pooler_output, but ${names}`)
  if (output.type !== 'float32' && output.type !== 'float16')
    throw new AppError('invalid-model', `${file}: ${output.name} is ${output.type}, not float32 or float16`)
  const length = fixedSize(output.shape.at(-1))
  if (size !== undefined && length !== undefined && length !== size)
    throw new AppError('invalid-model', `${file}: ${output.name} has ${length} values, but config.json says ${size}`)
  return output.name
}

/** The size of an axis that is fixed in the graph; undefined for one that is free. */
export function fixedSize(axis: number | string | undefined): number | undefined {
  return typeof axis === 'number' && axis > 0 ? axis : undefined
}

function tensors(metadata: readonly InferenceSession.ValueMetadata[]): TensorInfo[] {
  return metadata.filter((value) => value.isTensor)
}
