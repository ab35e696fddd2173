import { AppError } from '../../core/domain/errors.ts'
import type { AskedViews } from '../../core/domain/views.ts'
import type { Rendition } from '../../core/infra/image-task-store.ts'
import type { Logger } from '../../core/infra/logger.ts'
import type { DecodedImage } from './decode-image.ts'
import type { Answer, ChildSettings, Reply, Request } from './decode-messages.ts'
import { openUsage } from './process-usage.ts'
import type { RenderedImage } from './render-image.ts'
import { spawnDecodeChild } from './spawn-decode-child.ts'

/** At which a decoder is killed: processor time and time spent on one picture, and memory of the whole process. */
export type DecodeLimits = { cpuMs: number; wallMs: number; memoryBytes: number }

const DEATHS = {
  cpu: 'took too much processor time to decode',
  wall: 'took too long to decode',
  memory: 'needed too much memory to decode',
  crash: 'the decoder crashed',
  closed: 'the decoder was closed',
  start: 'the decoder did not start',
}
export type DeathReason = keyof typeof DEATHS

/** A process that decodes one picture at a time, for the model or for people. */
export type DecodeProcess = {
  /** Resolves to true when it can decode, to false when it has ended before it could. */
  started: Promise<boolean>
  /** With views beyond those of every policy where they are asked for. Throws AppError `undecodable`, or `decoder-failed` with `details.reason` when this picture was its last. */
  decode(file: string, asked?: AskedViews): Promise<DecodedImage>
  /** Throws the same. */
  render(file: string, rendition: Rendition): Promise<RenderedImage>
  hasEnded(): boolean
  /** Whether it has done enough, or grown too large, and is better replaced. */
  isWorn(): boolean
  /** Kills it; resolves when it is gone. */
  end(): Promise<void>
}

export type DecodeProcessOptions = { settings: ChildSettings; limits: DecodeLimits; recycleAfter: number; log: Logger }

const LOOK_EVERY_MS = 25
const START_WITHIN_MS = 15_000

type Task = {
  file: string
  startedAt: number
  /** As the first look found it, so that what is done by then costs none. */
  startCpuMs: number | undefined
  timer: NodeJS.Timeout
  soFar: DecodedImage | undefined
  resolve: (answer: Pick<Answer, 'image'>) => void
  reject: (error: AppError) => void
}

/**
 * Starts a decoder and watches it: looks at its use now and then while it works, and kills it at the limits. What dies with
 * more of a picture at hand is answered with the views before.
 */
export function startDecodeProcess({ settings, limits, recycleAfter, log }: DecodeProcessOptions): DecodeProcess {
  const child = spawnDecodeChild(settings, limits.memoryBytes)
  const usage = openUsage(child.pid ?? 0)
  const starting = deferred<boolean>()
  const ending = deferred<void>()
  const startTimer = setTimeout(() => child.kill('SIGKILL'), START_WITHIN_MS)
  let couldStart = false
  let ended = false
  let death: DeathReason | undefined
  let task: Task | undefined
  let served = 0
  let restingBytes = 0

  child.on('message', (message) => receive(message as Reply))
  child.on('exit', (code, signal) => onEnd({ code, signal }))
  child.on('error', (error) => onEnd({ err: error }))

  function receive(reply: Reply): void {
    if (reply.type === 'ready') onStarted(true)
    else if (task && !death) onAnswer(reply, task)
  }

  function onStarted(could: boolean): void {
    clearTimeout(startTimer)
    couldStart ||= could
    starting.resolve(could)
  }

  function onAnswer(reply: Exclude<Reply, { type: 'ready' }>, current: Task): void {
    if (reply.type === 'out-of-memory') kill('memory')
    else if (reply.type === 'so-far') current.soFar = joined(current.soFar, reply.image)
    else {
      served++
      restingBytes = reply.rssBytes
      finish(current)
      if (reply.type === 'undecodable') current.reject(new AppError('undecodable', reply.message))
      else if (reply.type === 'rendered') current.resolve(reply)
      else current.resolve({ image: joined(current.soFar, reply.image) })
    }
  }

  function look(current: Task): void {
    const { cpuMs, rssBytes } = usage.read() ?? { cpuMs: 0, rssBytes: 0 }
    current.startCpuMs ??= cpuMs
    if (performance.now() - current.startedAt > limits.wallMs) kill('wall')
    else if (rssBytes > limits.memoryBytes) kill('memory')
    else if (cpuMs - current.startCpuMs > limits.cpuMs) kill('cpu')
  }

  function kill(reason: DeathReason): void {
    death ??= reason
    child.kill('SIGKILL')
  }

  function onEnd(how: Record<string, unknown>): void {
    if (ended) return
    ended = true
    usage.close()
    onStarted(false)
    ending.resolve()
    const current = task
    const reason = reasonOfEnd()
    if (reason !== 'closed') log.warn({ ...how, reason, file: current?.file }, 'a decoder ended')
    if (!current) return
    finish(current)
    if (current.soFar) current.resolve({ image: current.soFar })
    else current.reject(decoderFailed(reason))
  }

  function reasonOfEnd(): DeathReason {
    return death ?? (couldStart ? 'crash' : 'start')
  }

  function finish({ timer }: Task): void {
    clearInterval(timer)
    task = undefined
  }

  function ask(request: Request): Promise<Pick<Answer, 'image'>> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(decoderFailed(reasonOfEnd()))
      const timer = setInterval(() => task && look(task), LOOK_EVERY_MS)
      task = { file: request.path, startedAt: performance.now(), startCpuMs: undefined, timer, soFar: undefined, resolve, reject }
      child.send(request, () => {})
    })
  }

  return {
    started: starting.promise,
    hasEnded: () => ended,
    isWorn: () => served >= recycleAfter || restingBytes > limits.memoryBytes / 2,

    // A child answers a request with what was asked for.
    decode: async (file, asked) => (await ask({ path: file, asked })).image as DecodedImage,
    render: async (file, rendition) => (await ask({ path: file, rendition })).image as RenderedImage,

    async end() {
      if (!ended) kill('closed')
      await ending.promise
    },
  }
}

/** What a picture has come to: the views of `before` and the new ones. */
function joined(before: DecodedImage | undefined, image: DecodedImage): DecodedImage {
  return before ? { ...image, views: [...before.views, ...image.views] } : image
}

export function decoderFailed(reason: DeathReason): AppError {
  return new AppError('decoder-failed', DEATHS[reason], { details: { reason } })
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
