import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyHttpOptions, FastifyInstance } from 'fastify'
import { AppError } from '../core/domain/errors.ts'
import { ARRIVED_BYTES } from './intake/await-arrival.ts'
import { problemOf } from './problem.ts'

/** Looked at once a second. */
const HEADERS_MS = 8000
/** A whole request: 20 MB at half a megabit a second. */
const REQUEST_MS = 320_000
/** No byte in either direction, waiting for a decision (30 s at most) included. */
const IDLE_MS = 60_000
/** After a refusal the rest of a body is read and thrown away for so long: closing at once would reset the connection, and the answer with it. */
const LINGER_MS = 5000
const PROGRESS_WINDOW_MS = 5000
const PROGRESS_BYTES = 5000
/** With a shutdown of 15 s in mind: what has not ended by then is cut off. */
const CLOSE_WITHIN_MS = 10_000

export const connectionTimeouts = {
  connectionTimeout: IDLE_MS,
  keepAliveTimeout: 72_000,
  requestTimeout: REQUEST_MS,
  http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: 1000 },
  clientErrorHandler: (error, socket) => refuse(error.code, socket),
} satisfies FastifyHttpOptions<Server>

/** Closes connections whose client sends too slowly, goes on after a refusal, or would hold up a shutdown. */
export function limitConnections(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    if (!raw.complete && hasBody(raw)) closeWithoutProgress(raw)
  })
  app.addHook('onResponse', async ({ raw }) => {
    if (!raw.complete && !raw.destroyed) linger(raw)
  })
  let closing = false
  // A request that came before the end is answered after its beginning: then its connection must not stay open for another.
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
  app.addHook('preClose', async () => {
    closing = true
    setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN_MS).unref()
  })
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** When more bytes wait here than anyone waits for, it is we who are slow. */
function closeWithoutProgress(request: IncomingMessage): void {
  const { socket } = request
  let seen = socket.bytesRead
  const timer = setInterval(() => {
    const progress = socket.bytesRead - seen
    seen = socket.bytesRead
    if (request.complete) clearInterval(timer)
    else if (progress < PROGRESS_BYTES && request.readableLength < ARRIVED_BYTES) socket.destroy()
  }, PROGRESS_WINDOW_MS)
  timer.unref()
  request.once('close', () => clearInterval(timer))
}

function linger(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS)
  request.once('close', () => clearTimeout(timer))
  request.unpipe()
  request.resume()
}

/** For what is no HTTP request, or never became one. */
function refuse(code: string | undefined, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, detail] =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'the request took too long to arrive']
      : code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'the headers are too large']
        : ['400 Bad Request', 'this is not HTTP as it is spoken here']
  const body = JSON.stringify({ ...problemOf(new AppError('invalid-request', detail), ''), status: Number.parseInt(status, 10) })
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}
