import type { FastifyReply } from 'fastify'

/** Aborts when the answer is sent, or nobody is there any more to read it. */
export function whenGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  // With a reason of ours no error is made up for each request.
  reply.raw.once('close', () => gone.abort('closed'))
  return gone.signal
}
