import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type TestApi } from '../support/api.ts'

type Schema = { $ref?: string; [key: string]: unknown }
type Operation = {
  operationId: string
  summary: string
  security?: Record<string, string[]>[]
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>
}
type Description = {
  openapi: string
  info: Record<string, unknown>
  paths: Record<string, Record<string, Operation>>
  components: object
}

let api: TestApi
let description: Description
let operations: { method: string; path: string; operation: Operation }[]

beforeAll(async () => {
  api = await startApi()
  description = (await (await fetch(`${api.url}/openapi.json`)).json()) as Description
  operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
})
afterAll(() => api?.discard())

describe('the description of the api', () => {
  test('is OpenAPI 3.1, and covers what the api does', () => {
    expect(description.openapi).toMatch(/^3\.1\./)
    expect(operations.map(({ method, path }) => `${method} ${path}`)).toEqual(
      expect.arrayContaining([
        'post /v1/uploads',
        'get /v1/uploads/{id}',
        'get /v1/decisions',
        'get /v1/policies',
        'get /v1/policies/{id}',
        'get /healthz',
        'get /readyz',
        'get /metrics',
      ]),
    )
  })

  test('gives every operation a name of its own, its parameters, its answers and their meaning', () => {
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
    for (const { method, path, operation } of operations) {
      const where = `${method} ${path}`
      expect(operation.operationId, where).toBeTruthy()
      expect(operation.summary, where).toBeTruthy()
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect(declared, where).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
      expect(Object.keys(operation.responses), where).toEqual(expect.arrayContaining([expect.stringMatching(/^2/)]))
      for (const { description: meaning } of Object.values(operation.responses)) expect(meaning, where).toBeTruthy()
    }
  })

  test('says which key each operation under /v1 wants, but for signing in, and that errors are problems', () => {
    const open = operations.filter(({ path, operation }) => path.startsWith('/v1/') && !operation.security?.length)
    expect(open.map(({ operation }) => operation.operationId)).toEqual(['signIn'])
    for (const { path, operation } of operations.filter(({ path: each }) => each.startsWith('/v1/'))) {
      const scopes = expect.arrayContaining([expect.any(String)])
      if (operation.operationId !== 'signIn') expect(operation.security, path).toEqual([{ apiKey: scopes }, { session: scopes }])
      for (const status of ['400', '401', '403', '503'])
        expect(operation.responses[status]?.content, `${path} ${status}`).toHaveProperty(['application/problem+json'])
    }
  })

  test('shows the forms in which an image comes', () => {
    const content = description.paths['/v1/uploads']?.post?.requestBody?.content ?? {}
    expect(Object.keys(content)).toEqual(['multipart/form-data', 'image/*', 'application/octet-stream', 'application/json'])
    expect(content['multipart/form-data']?.schema).toMatchObject({
      properties: { file: { format: 'binary' } },
      required: ['file'],
    })
  })

  test('refers to nothing that is not in it', () => {
    const refs = [...JSON.stringify(description).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref ?? '')
    for (const ref of refs) {
      const found = ref
        .replace(/^#\//, '')
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], description)
      expect(found, ref).toBeDefined()
    }
  })
})

describe('the pages of the documentation', () => {
  test('load nothing from elsewhere, and say so to the browser', async () => {
    const response = await fetch(`${api.url}/docs`)
    const html = await response.text()
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('upgrade-insecure-requests')
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => new URL(url ?? '', `${api.url}/docs`))
    expect(loaded.length).toBeGreaterThan(3)
    for (const url of loaded) {
      expect(url.origin).toBe(api.url)
      expect((await fetch(url)).status, url.href).toBe(200)
    }
  })
})

test('answers carry the headers that keep browsers out of trouble', async () => {
  const { headers } = await api.call('/v1/policies')
  expect(Object.fromEntries(headers)).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
})
