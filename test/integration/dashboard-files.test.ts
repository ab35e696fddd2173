import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveDashboard } from '../../services/api/routes/dashboard.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { startApi, type TestApi } from '../support/api.ts'

const FILES = path.join(packageRoot, 'dist/services/api/dashboard')
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
const FIRST_LOAD_BYTES = 100_000

let api: TestApi
let html: string
beforeAll(async () => {
  api = await startApi()
  html = await (await fetch(`${api.url}/dashboard/`)).text()
})
afterAll(() => api?.discard())

/** What the page names: what a browser loads before anything shows. */
const named = () => [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url)

describe('the dashboard', () => {
  test.each(['/', '/dashboard'])('is where %s leads', async (route) => {
    const response = await fetch(`${api.url}${route}`)
    expect(response.url).toBe(`${api.url}/dashboard/`)
    expect(response.status).toBe(200)
  })

  test('allows pages nothing but their own files, the api and blobs', async () => {
    for (const route of ['/dashboard/', '/dashboard/policies/a.b', named().find((url) => url.endsWith('.js')) ?? '']) {
      const { headers } = await fetch(`${api.url}${route}`)
      expect(Object.fromEntries(headers), route).toMatchObject({
        'content-security-policy': POLICY,
        'referrer-policy': 'no-referrer',
        'permissions-policy': expect.stringContaining('camera=()'),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      })
    }
  })

  test('leaves the policies of the rest as they were', async () => {
    for (const route of ['/v1/policies', '/docs', '/nowhere'])
      expect((await fetch(`${api.url}${route}`)).headers.get('content-security-policy'), route).not.toBe(POLICY)
  })

  test('is one page under every path of its own, asked for anew each time', async () => {
    for (const route of ['/dashboard/policies', '/dashboard/policies/live-animals', '/dashboard/review/x.y?a=b']) {
      const response = await fetch(`${api.url}${route}`)
      expect(await response.text(), route).toBe(html)
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(response.headers.get('cache-control')).toBe('no-cache')
    }
  })

  test('has nothing in its markup that its policy forbids', () => {
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/)
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|data:/)
    for (const url of named()) expect(url).toMatch(/^\/dashboard\/assets\/[\w.-]+-[\w-]{8}\.\w+$/)
  })

  test('has assets that browsers keep for ever, compressed', async () => {
    for (const url of named()) {
      const response = await fetch(`${api.url}${url}`)
      expect(response.headers.get('cache-control'), url).toBe('public, max-age=31536000, immutable')
      expect(response.headers.get('content-encoding'), url).toBe('gzip')
      expect(response.headers.get('vary')?.toLowerCase(), url).toContain('accept-encoding')
      expect(Buffer.from(await response.arrayBuffer()), url).toEqual(
        await readFile(path.join(FILES, url.replace('/dashboard/', ''))),
      )
      const plain = await fetch(`${api.url}${url}`, { headers: { 'accept-encoding': 'identity' } })
      expect(plain.headers.get('content-encoding')).toBeNull()
    }
  })

  test.each([
    '/dashboard/assets/gone-12345678.js',
    '/dashboard/assets/',
    '/dashboard/assets/..%2findex.html',
    '/dashboard/assets/%2e%2e/%2e%2e/main.js',
  ])('has no %s, and nobody keeps that answer', async (route) => {
    const response = await fetch(`${api.url}${route}`)
    expect([400, 404]).toContain(response.status)
    expect(response.headers.get('cache-control') ?? '').not.toContain('immutable')
  })

  test(`loads at first in ${FIRST_LOAD_BYTES / 1000} kB, compressed`, async () => {
    const files = await Promise.all(named().map((url) => readFile(path.join(FILES, url.replace('/dashboard/', '')))))
    const byteSize = [Buffer.from(html), ...files].reduce((sum, file) => sum + gzipSync(file).length, 0)
    expect(byteSize).toBeLessThan(FIRST_LOAD_BYTES)
    expect(byteSize).toBeGreaterThan(1000)
  })

  test('has no files of older builds, and a compressed copy of each', async () => {
    const names = await readdir(path.join(FILES, 'assets'))
    const plain = names.filter((name) => !name.endsWith('.gz'))
    expect(names.filter((name) => name.endsWith('.gz')).sort()).toEqual(plain.map((name) => `${name}.gz`).sort())
  })
})

test('where the dashboard was not built, that is what its page says', async () => {
  const app = fastify()
  await app.register(serveDashboard({ files: path.join(packageRoot, 'nowhere') }))
  const response = await app.inject('/dashboard/policies')
  expect(response.statusCode).toBe(503)
  expect(response.headers['content-type']).toContain('text/html')
  expect(response.body).toContain('npm run build')
  await app.close()
})
