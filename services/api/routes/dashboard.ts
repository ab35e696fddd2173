import { existsSync } from 'node:fs'
import path from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import { packageRoot } from '../../core/infra/package-root.ts'

const FILES = path.join(packageRoot, 'dist', 'services', 'api', 'dashboard')
const YEAR_MS = 365 * 86_400_000

/** Pages load nothing from elsewhere and have no scripts or styles in their markup; pictures are fetched with the session and shown as blobs. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<title>pixwarden</title>
<h1>The dashboard is not built</h1>
<p>The rest of the service runs. <code>npm run build</code> makes the dashboard; start the service again afterwards.</p>
`

const hidden = { schema: { hide: true }, logLevel: 'warn' } as const

/** /dashboard/: the moderators' pages, which find their way by themselves under any path. Assets have the hash of their content in their names. */
export function serveDashboard({ files = FILES }: { files?: string } = {}): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers(HEADERS)
    })
    for (const url of ['/', '/dashboard']) app.get(url, hidden, (_request, reply) => reply.redirect('/dashboard/'))

    if (!existsSync(path.join(files, 'index.html'))) {
      app.get('/dashboard/*', hidden, (_request, reply) => reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT))
      return
    }
    await app.register(staticFiles, {
      root: files,
      serve: false,
      index: false,
      preCompressed: true,
      maxAge: YEAR_MS,
      immutable: true,
    })
    app.get<{ Params: { '*': string } }>('/dashboard/assets/*', hidden, (request, reply) =>
      reply.sendFile(`assets/${request.params['*']}`),
    )
    app.get('/dashboard/*', hidden, (_request, reply) =>
      reply.header('cache-control', 'no-cache').sendFile('index.html', { cacheControl: false }),
    )
  }
}
