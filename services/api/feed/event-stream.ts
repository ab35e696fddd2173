import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'

export type EventStream = {
  /** Sends the head of the answer, and `frames`. */
  open(frames: string): void
  isOpen(): boolean
  /** When more waits than should, resolves once it has been taken, or the reader has gone. */
  send(frames: Buffer): Promise<void> | undefined
  /** An answer that was not opened can still be another. */
  end(): void
  /** Aborts when the reader goes away, is dropped, or the stream is ended. */
  gone: AbortSignal
}

const HEARTBEAT_MS = 15_000
/** A reader that has not taken what waits for it by then is dropped. */
const STALLED_MS = 10_000
/** And so is one for which so much waits when more comes. */
const MOST_WAITING_BYTES = 1_000_000
/** An ended stream's last bytes have so long to get away. */
const END_WITHIN_MS = 1000

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would collect events before it passes them on.
  'x-accel-buffering': 'no',
  connection: 'close',
}

/** An answer that stays open for events (HTML, 9.2). What its reader does not take is not kept: `onDrop` is called, and the connection closed. */
export function createEventStream(reply: FastifyReply, onDrop: () => void): EventStream {
  const { raw } = reply
  const gone = new AbortController()
  let heartbeat: NodeJS.Timeout | undefined
  let stalled: NodeJS.Timeout | undefined
  let drained: PromiseWithResolvers | undefined

  const flow = () => {
    clearTimeout(stalled)
    drained?.resolve()
    drained = undefined
  }
  const leave = () => {
    clearInterval(heartbeat)
    flow()
    // With a reason of ours no error is made up.
    gone.abort('closed')
  }
  raw.once('close', leave)
  if (raw.destroyed) leave()
  raw.on('drain', flow)
  // What is written to a connection that breaks at this moment.
  raw.on('error', () => {})

  function drop(): void {
    if (gone.signal.aborted) return
    leave()
    onDrop()
    raw.destroy()
  }

  function send(frames: Buffer | string): Promise<void> | undefined {
    if (gone.signal.aborted) return undefined
    if (raw.writableLength > MOST_WAITING_BYTES) {
      drop()
      return undefined
    }
    if (raw.write(frames)) return undefined
    if (!drained) {
      drained = withResolvers()
      stalled = setTimeout(drop, STALLED_MS)
    }
    return drained.promise
  }

  return {
    open(frames) {
      reply.hijack()
      raw.writeHead(200, reply.headers(HEADERS).getHeaders() as OutgoingHttpHeaders)
      void send(frames)
      heartbeat = setInterval(() => void send(':\n\n'), HEARTBEAT_MS)
    },
    isOpen: () => raw.headersSent,
    send,
    end() {
      if (gone.signal.aborted) return
      leave()
      if (!raw.headersSent) return
      raw.end()
      setTimeout(() => raw.destroy(), END_WITHIN_MS).unref()
    },
    gone: gone.signal,
  }
}

type PromiseWithResolvers = { promise: Promise<void>; resolve: () => void }

function withResolvers(): PromiseWithResolvers {
  let resolve = () => {}
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}
