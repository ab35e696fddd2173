import type { ExecutionProvider, ProviderNotice } from '../../core/infra/execution-providers.ts'
import { createInferenceThread, type StuckModel } from './create-inference-thread.ts'
import type { Model } from './open-model.ts'

export type ImageEncoder = {
  /** Loads the model and runs it once. Throws AppError `invalid-model` when it is not what its files say. */
  ready(): Promise<void>
  /**
   * Unit embeddings, shape [dim], of views, RGB row by row, shape [height, width, 3]. A view that has a buffer of its own is given away with it:
   * it is empty afterwards. Throws RangeError for a view of another size, AppError `model-failed` or `invalid-model`.
   */
  encode(views: Uint8Array[]): Promise<Float32Array[]>
  close(): Promise<void>
}

export type ImageEncoderOptions = {
  threads: number
  /** What the model may run on, best first: the processor unless told. */
  providers?: readonly ExecutionProvider[]
  onOpened?: ((notice: ProviderNotice) => void) | undefined
  /** Where edited graphs are kept; without one the model runs as it came. */
  graphDir?: string | undefined
  whenStuck?: StuckModel | undefined
  /** Told after each run how many views it had and how long the model took. */
  onRun?: ((run: { views: number; ms: number }) => void) | undefined
}

/** Runs the image side of a model in a thread of its own, which the first call starts. */
export function createImageEncoder(
  model: Model,
  { threads, providers = ['cpu'], onOpened, graphDir, whenStuck, onRun }: ImageEncoderOptions,
): ImageEncoder {
  const thread = createInferenceThread({ model, threads, graphDir, providers }, { whenStuck, onOpened })
  const { height, width } = model.preprocessing
  const byteSize = 3 * height * width

  async function run(views: Uint8Array[]) {
    const wrong = views.find((view) => view.length !== byteSize)
    if (wrong) throw new RangeError(`a view of ${wrong.length} bytes, not ${width} × ${height} × 3`)
    const owned = views.map(withOwnBuffer)
    return thread.call(
      { task: 'images', views: owned },
      owned.map(({ buffer }) => buffer),
    )
  }

  return {
    async ready() {
      await run([new Uint8Array(byteSize)])
    },
    async encode(views) {
      const { embeddings, ms } = await run(views)
      onRun?.({ views: views.length, ms })
      return embeddings
    },
    close: () => thread.close(),
  }
}

/** The view itself when it fills its buffer, which can then change threads; else a copy, for the rest of the buffer is somebody else's. */
function withOwnBuffer(view: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = view
  const fills = buffer instanceof ArrayBuffer && buffer.byteLength === view.length
  return fills ? (view as Uint8Array<ArrayBuffer>) : new Uint8Array(view)
}
