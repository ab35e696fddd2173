import { z } from 'zod'

const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string().describe('Stable: what a program should look at.'),
    detail: z.string().optional(),
    instance: z.string().describe('The id of the request, as in the header x-request-id.'),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457).' })

const problemContent = { 'application/problem+json': { schema: problem } }

export function json<S extends z.ZodType>(description: string, schema: S) {
  return { description, content: { 'application/json': { schema } } }
}

/** The problems of `statuses`, and those that every route with a key can answer with. */
export function problems(statuses: Record<number, string>) {
  const all = {
    400: 'The request is not valid',
    401: 'No valid API key or session',
    403: 'The key lacks the scope; or `csrf`: a request with the cookie does not come from its page',
    429: 'Too many requests, or too many wrong keys from one address; Retry-After says when to try again',
    503: 'Overloaded, or the database is out of reach; Retry-After says when to try again',
    ...statuses,
  }
  return Object.fromEntries(
    Object.entries(all).map(([status, description]) => [status, { description, content: problemContent }]),
  )
}
