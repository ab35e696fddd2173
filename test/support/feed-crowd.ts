import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type CrowdReader = {
  /** The numbers that `writeEvents` gave the events, as they came. */
  numbers: number[]
  /** When each of them came, by `performance.now()`. */
  atMs: number[]
  lastEventId: string | undefined
}

export type FeedCrowd = ReturnType<typeof createFeedCrowd>

/** An event whose body `writeEvents` made. */
const EVENT = /id: (\S+)\nevent: \S+\ndata: [^\n]*"n":(\d+)[^\n]*\n\n/g
const HELLO = /id: (\S+)\nevent: hello\n/

/** Many readers of /v1/feed that cost little each; those whose stream ends come back as browsers do, if they are told to. */
export function createFeedCrowd({ url, key, size, comeBackMs }: { url: string; key: string; size: number; comeBackMs?: number }) {
  const { hostname, port } = new URL(url)
  const readers = Array.from({ length: size }, (): CrowdReader => ({ numbers: [], atMs: [], lastEventId: undefined }))
  const sockets = new Set<Socket>()
  const progress = new EventEmitter().setMaxListeners(0)
  let events = 0
  let greeted = 0
  let closed = false

  function open(reader: CrowdReader): void {
    const resume = reader.lastEventId === undefined ? '' : `last-event-id: ${reader.lastEventId}\r\n`
    const socket = connect(Number(port), hostname)
    let text = ''
    sockets.add(socket)
    socket.setEncoding('latin1')
    socket.write(`GET /v1/feed HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${key}\r\n${resume}\r\n`)
    socket.on('data', (chunk: string) => {
      text = take(reader, text + chunk)
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      if (!closed && comeBackMs !== undefined) setTimeout(() => !closed && open(reader), comeBackMs)
    })
  }

  /** Returns what is left. */
  function take(reader: CrowdReader, text: string): string {
    const atMs = performance.now()
    let end = 0
    const hello = reader.lastEventId === undefined ? HELLO.exec(text) : null
    if (hello) {
      greeted++
      reader.lastEventId = hello[1]
    }
    for (const match of text.matchAll(EVENT)) {
      reader.lastEventId = match[1]
      reader.numbers.push(Number(match[2]))
      reader.atMs.push(atMs)
      events++
      end = match.index + match[0].length
    }
    progress.emit('progress')
    return text.slice(end)
  }

  async function until(isReached: () => boolean, timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs)
    while (!isReached()) await once(progress, 'progress', { signal })
  }

  for (const reader of readers) open(reader)
  return {
    readers,
    events: () => events,
    /** All are connected for the first time. Rejects after `timeoutMs`, as the following does. */
    greeted: (timeoutMs: number) => until(() => greeted === size, timeoutMs),
    /** So many events have come, all readers' counted. */
    hear: (count: number, timeoutMs: number) => until(() => events >= count, timeoutMs),
    close(): void {
      closed = true
      for (const socket of sockets) socket.destroy()
    },
  }
}
