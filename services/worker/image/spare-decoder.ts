import { decoderFailed } from './decode-process.ts'
import { createDecoder, type Decoder, type DecoderOptions } from './decoder.ts'

export type SpareDecoder = Pick<Decoder, 'decode' | 'render' | 'close'>

/** A moderator who looks at one picture soon looks at the next. */
const IDLE_MS = 60_000

/**
 * A decoder of one process that is there only while it is used, for what moderators ask for. Not one of the judge's: those have uploads waiting for them, so
 * that a moderator would wait behind a backlog, and a picture that takes long to show would take a place from those that are to be judged. Started when first
 * needed and ended after `idleMs`, for most workers are never asked and a process holds some 60 MB. One is enough: it costs a core that judging could use.
 */
export function createSpareDecoder(options: Omit<DecoderOptions, 'decoders'>, { idleMs = IDLE_MS } = {}): SpareDecoder {
  let decoder: Decoder | undefined
  let users = 0
  let timer: NodeJS.Timeout | undefined
  let ending = Promise.resolve()
  let closed = false

  async function use<T>(work: (decoder: Decoder) => Promise<T>): Promise<T> {
    if (closed) throw decoderFailed('closed')
    clearTimeout(timer)
    decoder ??= createDecoder({ ...options, decoders: 1 })
    users++
    try {
      return await work(decoder)
    } finally {
      users--
      if (users === 0 && !closed) timer = setTimeout(end, idleMs).unref()
    }
  }

  function end(): void {
    clearTimeout(timer)
    const ended = decoder
    decoder = undefined
    if (ended) ending = Promise.all([ending, ended.close()]).then(() => {})
  }

  return {
    decode: (file, asked) => use((each) => each.decode(file, asked)),
    render: (file, rendition) => use((each) => each.render(file, rendition)),
    async close() {
      closed = true
      end()
      await ending
    },
  }
}
