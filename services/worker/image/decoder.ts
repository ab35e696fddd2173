import type { AskedViews } from '../../core/domain/views.ts'
import type { Rendition } from '../../core/infra/image-task-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { DecodedImage, DecodeSettings } from './decode-image.ts'
import { type DecodeLimits, type DecodeProcess, decoderFailed, startDecodeProcess } from './decode-process.ts'
import type { RenderedImage } from './render-image.ts'

export type DecoderOptions = DecodeSettings & {
  /** How many pictures are decoded at once, each in a process of its own. */
  decoders: number
  avif: boolean
  limits?: DecodeLimits
  /** Pictures after which a process is replaced, lest it grow. */
  recycleAfter?: number
  log: Logger
}

export type TimedImage = DecodedImage & {
  /** Without the wait for a free process. */
  decodeMs: number
}

export type Decoder = {
  /** Resolves when a process can decode. Throws AppError `decoder-failed` when none of them started. */
  ready(): Promise<void>
  /**
   * Decodes a file in another process, with views beyond those of every policy where they are asked for. Throws AppError `undecodable` for what is no sound picture, or `decoder-failed` when the
   * process was killed or crashed: `details.reason` is `cpu`, `wall`, `memory`, `crash` or, through no fault of the picture, `start` or, after `close`, `closed`.
   */
  decode(file: string, asked?: AskedViews): Promise<TimedImage>
  /** Makes a rendition of a file in another process, within the same limits. Throws the same. */
  render(file: string, rendition: Rendition): Promise<RenderedImage>
  /** Ends every process; resolves when they are gone. */
  close(): Promise<void>
}

const LIMITS: DecodeLimits = { cpuMs: 2000, wallMs: 10_000, memoryBytes: 640_000_000 }

/** `run` settles what was promised. */
type Job = { run: (process: DecodeProcess) => Promise<void>; reject: (error: unknown) => void }

/**
 * Starts its processes at once, so that the first picture finds them warm. A process has one picture at a time, so that the one
 * that kills it is known and no other suffers.
 */
export function createDecoder(options: DecoderOptions): Decoder {
  const { preprocessing, mode, maxPixels, avif, ignoreIcc = false, limits = LIMITS, recycleAfter = 1000, log } = options
  const settings = { preprocessing, mode, maxPixels, avif, ignoreIcc, cpuMs: limits.cpuMs }
  const jobs: Job[] = []
  const idle: ((job: Job | undefined) => void)[] = []
  const processes = new Set<DecodeProcess>()
  let closed = false

  const first = Array.from({ length: options.decoders }, start)
  const serving = Promise.all(first.map(serve))

  async function serve(first: DecodeProcess): Promise<void> {
    let process = first
    for (;;) {
      await process.started
      const job = await nextJob()
      if (!job) return
      if (process.hasEnded()) process = await replace(process)
      await job.run(process)
      if (process.hasEnded() || process.isWorn()) process = await replace(process)
    }
  }

  function start(): DecodeProcess {
    const process = startDecodeProcess({ settings, limits, recycleAfter, log })
    processes.add(process)
    return process
  }

  /** Does not wait for the end of the old one. */
  async function replace(old: DecodeProcess): Promise<DecodeProcess> {
    if (closed) return old
    void old.end().then(() => processes.delete(old))
    const process = start()
    await process.started
    return process
  }

  /** The job that has waited longest, or else the next to come; undefined once closed. */
  async function nextJob(): Promise<Job | undefined> {
    if (closed) return undefined
    return jobs.shift() ?? new Promise((resolve) => idle.push(resolve))
  }

  function enqueue<T>(work: (process: DecodeProcess) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (closed) return reject(decoderFailed('closed'))
      const job: Job = { run: (process) => work(process).then(resolve, reject), reject }
      const waiting = idle.shift()
      if (waiting) waiting(job)
      else jobs.push(job)
    })
  }

  return {
    async ready() {
      const couldStart = await Promise.all(first.map(({ started }) => started))
      if (!couldStart.includes(true)) throw decoderFailed('start')
    },

    decode: (file, asked) =>
      enqueue(async (process) => {
        const startedAt = performance.now()
        const image = await process.decode(file, asked)
        return { ...image, decodeMs: performance.now() - startedAt }
      }),

    render: (file, rendition) => enqueue((process) => process.render(file, rendition)),

    async close() {
      closed = true
      for (const { reject } of jobs.splice(0)) reject(decoderFailed('closed'))
      for (const waiting of idle.splice(0)) waiting(undefined)
      await Promise.all([...processes].map((process) => process.end()))
      await serving
    },
  }
}
