import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Scope } from '../../services/core/domain/scopes.ts'
import { cat, startApi, type TestApi } from '../support/api.ts'
import { promtool, promtoolMissing } from '../support/promtool.ts'

let api: TestApi
let photo: Buffer

beforeAll(async () => {
  api = await startApi()
  photo = await cat()
})
afterAll(() => api?.discard())

const ask = (route: string, authorization?: string, init: RequestInit = {}) =>
  fetch(`${api.url}${route}`, { ...init, headers: { ...init.headers, ...(authorization && { authorization }) } })

describe('without a valid key', () => {
  test.each([
    ['no key', undefined],
    ['a key that was never made', `Bearer pxw_${'a'.repeat(43)}`],
    ['no key of ours', 'Bearer secret'],
    ['another scheme', `Basic ${Buffer.from('a:b').toString('base64')}`],
  ])('%s: 401, and how to do better', async (_what, authorization) => {
    const response = await ask('/v1/policies', authorization)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('Bearer')
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' })
  })

  test('nothing under /v1 answers, but for signing in', async () => {
    const { paths } = (await (await ask('/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> }
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method, path] as const),
    )
    const v1 = routes.filter(([method, path]) => path.startsWith('/v1/') && `${method} ${path}` !== 'post /v1/session')
    expect(v1.length).toBeGreaterThanOrEqual(5)
    for (const [method, path] of v1) {
      const response = await ask(path.replaceAll(/\{\w+\}/g, '0'), undefined, { method: method.toUpperCase() })
      expect(response.status, `${method} ${path}`).toBe(401)
    }
  })

  test('an upload is refused before its body is read', async () => {
    const socket = connect(api.port, '127.0.0.1')
    socket.write('POST /v1/uploads HTTP/1.1\r\nhost: x\r\ncontent-type: image/jpeg\r\ncontent-length: 1000000\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toContain('HTTP/1.1 401')
    socket.destroy()
  })

  test.each(['/healthz', '/readyz', '/openapi.json', '/docs'])('%s answers', async (route) => {
    expect((await ask(route)).status).toBe(200)
  })
})

describe('a key', () => {
  const cases: [scope: Scope, method: string, route: string, allowed: boolean][] = [
    ['intake', 'POST', '/v1/uploads', true],
    ['intake', 'GET', '/v1/decisions', false],
    ['intake', 'GET', '/v1/policies', false],
    ['review', 'POST', '/v1/uploads', false],
    ['review', 'GET', '/v1/decisions', true],
    ['review', 'GET', '/v1/policies', true],
    ['review', 'GET', '/metrics', false],
    ['admin', 'POST', '/v1/uploads', true],
    ['admin', 'GET', '/v1/decisions', true],
    ['admin', 'GET', '/metrics', true],
  ]
  test.each(cases)('for %s: %s %s is allowed: %s', async (scope, method, route, allowed) => {
    const authorization = `Bearer ${await api.createKey([scope])}`
    const body = method === 'POST' ? { headers: { 'content-type': 'image/jpeg' }, body: photo } : {}
    const response = await ask(route, authorization, { method, ...body })
    if (allowed) expect(response.ok).toBe(true)
    else expect(await response.json()).toMatchObject({ status: 403, code: 'forbidden', scopes: expect.any(Array) })
  })

  test('that is revoked stops to work within seconds', async () => {
    const { id, secret } = await api.keys.create({ tenant: 'default', name: 'short-lived', scopes: ['admin'] })
    await api.keys.revoke(id)
    expect((await ask('/v1/policies', `Bearer ${secret}`)).status).toBe(401)
  })

  test('is asked of the database once, not for each request', async () => {
    const authorization = `Bearer ${await api.createKey(['review'])}`
    await ask('/v1/policies', authorization)
    // A key that is gone works on for as long as it is remembered.
    await api.database.query('DELETE FROM pixwarden.api_keys WHERE scopes = $1', [['review']])
    expect((await ask('/v1/policies', authorization)).status).toBe(200)
  })
})

describe('a request', () => {
  test('keeps the id that it came with, in the answer and in every line of the log', async () => {
    const response = await api.post(photo, { headers: { 'x-request-id': 'order-42.a_b' } })
    expect(response.headers.get('x-request-id')).toBe('order-42.a_b')
    const { id } = (await response.json()) as { id: string }
    const [line] = api.logged.map((each) => JSON.parse(each)).filter(({ requestId }) => requestId === 'order-42.a_b')
    expect(line).toMatchObject({ uploadId: id, tenant: 'default', method: 'POST', route: '/v1/uploads', status: 202 })
  })

  test.each(['', 'a b', '<script>', 'x'.repeat(200)])('gets an id of ours instead of %j', async (given) => {
    const response = await api.call('/v1/policies', { headers: { 'x-request-id': given } })
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  })

  test('to a path that is not there is answered with a problem', async () => {
    for (const [route, status] of [
      ['/v2/uploads', 404],
      ['/v1/uploads/%zz', 400],
    ] as const) {
      const response = await api.call(route)
      expect(response.headers.get('content-type')).toContain('application/problem+json')
      expect(await response.json()).toMatchObject({ status, instance: expect.any(String) })
    }
  })
})

test('keys, and what is in the query, never reach the log', async () => {
  const secret = await api.createKey(['intake'])
  await api.post(photo, { query: '?external_id=private-person', headers: { authorization: `Bearer ${secret}` } })
  await ask('/v1/uploads?external_id=private-person', `Bearer ${secret.slice(0, -1)}x`, { method: 'POST' })
  await api.post(Buffer.from('no image'), { headers: { authorization: `Bearer ${secret}` } })
  const log = api.logged.join('\n')
  expect(log).toContain('"route":"/v1/uploads"')
  for (const hidden of ['pxw_', secret.slice(4, 30), 'private-person']) expect(log).not.toContain(hidden)
})

describe('metrics', () => {
  test.skipIf(promtoolMissing())('are as Prometheus wants them', async () => {
    await api.post(photo)
    const response = await api.call('/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain')
    const text = await response.text()
    expect(text).toMatch(/pixwarden_uploads_total\{outcome="accepted"\} \d+/)
    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' })
  })

  test('on a port of their own need no key, and are not on the api’s', async () => {
    const own = await startApi({ env: { PIXWARDEN_METRICS_PORT: '0' } })
    try {
      expect((await own.call('/metrics')).status).toBe(404)
      const response = await fetch(`http://127.0.0.1:${own.metricsPort}/metrics`)
      expect(await response.text()).toContain('pixwarden_uploads_total')
    } finally {
      await own.discard()
    }
  })
})
