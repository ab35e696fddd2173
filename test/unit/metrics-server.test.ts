import { Counter, Gauge, Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type MetricsServer, startMetricsServer } from '../../services/core/infra/metrics-server.ts'

let registry: Registry
let server: MetricsServer

beforeEach(async () => {
  registry = new Registry()
  server = await startMetricsServer({ host: '127.0.0.1', port: 0, registry })
})
afterEach(() => server.close())

const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`)

test('a scrape gets the metrics in Prometheus’s format', async () => {
  new Counter({ name: 'images_total', help: 'Images.', registers: [registry] }).inc(3)
  const answer = await get('/metrics')
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(await answer.text()).toContain('images_total 3')
})

test('a probe is answered, anything else is not found', async () => {
  expect((await get('/healthz')).status).toBe(200)
  expect((await get('/')).status).toBe(404)
})

test('a metric that cannot be collected fails the scrape, not the process', async () => {
  const collect = () => {
    throw new Error('the queue does not answer')
  }
  new Gauge({ name: 'jobs', help: 'Jobs.', registers: [registry], collect })
  expect((await get('/metrics')).status).toBe(500)
  expect((await get('/healthz')).status).toBe(200)
})

test('a port that is taken is a mistake of the configuration, with its address', async () => {
  const again = startMetricsServer({ host: '127.0.0.1', port: server.port, registry })
  await expect(again).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining(`PIXWARDEN_METRICS_PORT: 127.0.0.1:${server.port} cannot be had`),
  })
})
