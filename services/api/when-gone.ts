import type { FastifyReply } from 'fastify'

/** Aborts when the answer is sent, or nobody is there any more to read it. */
export function whenGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  // With a reason of ours no error is made up for each request.
  raw.once('close', () => gone.abort('closed'))
  if (raw.destroyed) gone.abort('closed')
  return gone.signal
}
