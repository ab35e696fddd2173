import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../services/core/domain/errors.ts'
import { readConfig, requireDatabaseUrl } from '../../services/core/infra/config.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'

/** What `env` is refused for, a problem each. */
function problemsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env)
  } catch (error) {
    expect(error).toBeInstanceOf(AppError)
    expect(error).toMatchObject({ code: 'invalid-config' })
    return (error as AppError).details?.problems as string[]
  }
  return []
}

describe('without any setting', () => {
  test('the service runs on this machine alone, with the shipped model and policies', () => {
    expect(readConfig({})).toMatchObject({
      databaseUrl: undefined,
      redisUrl: undefined,
      host: '127.0.0.1',
      port: 8080,
      logLevel: 'info',
      dataDir: path.resolve('.pixwarden'),
      blobDir: path.resolve('.pixwarden/blobs'),
      policiesDir: path.join(packageRoot, 'policies'),
      model: 'embedded',
      queuePrefix: '{moderation}',
      maxUploadBytes: 20_000_000,
      maxPixels: 50_000_000,
      avif: false,
      metricsPort: undefined,
    })
  })

  test('a worker holds two of the largest batches at once', () => {
    expect(readConfig({})).toMatchObject({ maxBatch: 8, concurrency: 16, inferenceThreads: 1 })
    expect(readConfig({ PIXWARDEN_BATCH_SIZE: '32' }).concurrency).toBe(64)
    expect(readConfig({ PIXWARDEN_BATCH_SIZE: '32', PIXWARDEN_CONCURRENCY: '5' }).concurrency).toBe(5)
  })

  test('what is not set is left to what is measured, unless that is off', () => {
    const leftOpen = (env: Record<string, string>) => [...readConfig(env).leftOpen].sort()
    expect(leftOpen({})).toEqual(['batchWaitMs', 'concurrency', 'inferenceThreads', 'maxBatch'])
    expect(leftOpen({ PIXWARDEN_BATCH_SIZE: '4', PIXWARDEN_INFERENCE_THREADS: '1' })).toEqual(['batchWaitMs'])
    expect(leftOpen({ PIXWARDEN_TUNE: 'off' })).toEqual([])
  })
})

describe('a setting', () => {
  test('opens private targets and other ports to requests that others name', () => {
    expect(readConfig({}).outbound).toEqual({ allow: { networks: [], hosts: new Set() }, ports: [80, 443] })
    const { outbound } = readConfig({
      PIXWARDEN_OUTBOUND_ALLOW: '10.1.0.0/16, hooks.internal',
      PIXWARDEN_OUTBOUND_PORTS: '443, 8443',
    })
    expect(outbound).toMatchObject({ allow: { hosts: new Set(['hooks.internal']) }, ports: [443, 8443] })
    expect(outbound.allow.networks.map(String)).toEqual(['10.1.0.0/16'])
  })

  test('gives webhooks another schedule, and keys that their secrets are sealed with', () => {
    const [current, older] = ['a', 'b'].map((letter) => Buffer.from(letter.repeat(32)))
    const { webhookRetrySeconds, secretKeys } = readConfig({
      PIXWARDEN_WEBHOOK_RETRY_SECONDS: '0.5, 10,60',
      PIXWARDEN_SECRET_KEY: [current, older].map((key) => key?.toString('base64')).join(),
    })
    expect(webhookRetrySeconds).toEqual([0.5, 10, 60])
    expect(secretKeys).toEqual([current, older])
    expect(readConfig({})).toMatchObject({ secretKeys: [], webhookTimeoutMs: 15_000, dispatcher: true, imageTasks: true })
    expect(readConfig({ PIXWARDEN_IMAGE_TASKS: 'off' })).toMatchObject({ imageTasks: false })
  })

  test('bounds what intake takes, or sets no bound at 0', () => {
    expect(readConfig({})).toMatchObject({
      maxBytesInFlight: 512_000_000,
      maxPendingUploads: 100_000,
      minFreeDiskBytes: 256_000_000,
      rateLimitPerMinute: undefined,
    })
    const unbound = { PIXWARDEN_MAX_PENDING_UPLOADS: '0', PIXWARDEN_MIN_FREE_DISK_MB: '0', PIXWARDEN_RATE_LIMIT: '60' }
    expect(readConfig(unbound)).toMatchObject({ maxPendingUploads: undefined, minFreeDiskBytes: 0, rateLimitPerMinute: 60 })
  })

  test('names the proxies that are believed; without it none is', () => {
    const trusted = (text: string) => readConfig({ PIXWARDEN_TRUST_PROXY: text }).trustProxy
    expect(readConfig({}).trustProxy).toBe(false)
    expect(['true', 'false', '2'].map(trusted)).toEqual([true, false, 2])
    expect(trusted('loopback, 10.1.0.0/16,fd00::7')).toEqual(['loopback', '10.1.0.0/16', 'fd00::7'])
  })

  test('that is a list has every wrong entry named', () => {
    const problems = problemsOf({ PIXWARDEN_OUTBOUND_ALLOW: '10.0.0.0/33,hooks.internal,10.0.0.1:80' })
    expect(problems).toEqual([expect.stringContaining('"10.0.0.0/33"'), expect.stringContaining('"10.0.0.1:80"')])
  })

  test('that is empty is not set', () => {
    const empty = { PORT: '', REDIS_URL: '', LOG_LEVEL: '', PIXWARDEN_AVIF: '', PIXWARDEN_BLOB_DIR: '' }
    expect(readConfig(empty)).toEqual(readConfig({}))
  })

  test('is on or off, a number, a folder or a URL', () => {
    const config = readConfig({
      DATABASE_URL: 'postgres://user:secret@db:5432/moderation?sslmode=require',
      REDIS_URL: 'rediss://cache:6380',
      PORT: '0',
      PIXWARDEN_DATA_DIR: 'data',
      PIXWARDEN_AVIF: 'on',
      PIXWARDEN_RETENTION: 'off',
      PIXWARDEN_MAX_MEGAPIXELS: '12',
    })
    expect(config).toMatchObject({
      databaseUrl: 'postgres://user:secret@db:5432/moderation?sslmode=require',
      redisUrl: 'rediss://cache:6380',
      port: 0,
      dataDir: path.resolve('data'),
      blobDir: path.resolve('data/blobs'),
      avif: true,
      retention: false,
      reconciler: true,
      maxPixels: 12_000_000,
    })
  })

  test('of another program is none of ours', () => {
    expect(problemsOf({ PATH: '/bin', PIXEL_RATIO: '2', NODE_ENV: 'production' })).toEqual([])
  })

  test.each([
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['DATABASE_URL', 'mysql://db/moderation'],
    ['DATABASE_URL', 'db:5432'],
    ['REDIS_URL', 'localhost:6379'],
    ['LOG_LEVEL', 'loud'],
    ['PIXWARDEN_AVIF', 'true'],
    ['PIXWARDEN_BATCH_SIZE', '0'],
    ['PIXWARDEN_BATCH_WAIT_MS', '-1'],
    ['PIXWARDEN_DATABASE_SCHEMA', 'public; DROP TABLE uploads'],
    ['PIXWARDEN_QUEUE_PREFIX', 'a:b'],
    ['PIXWARDEN_PREPROCESS', 'best'],
    ['PIXWARDEN_OUTBOUND_ALLOW', 'http://hooks.internal'],
    ['PIXWARDEN_OUTBOUND_PORTS', '80,'],
    ['PIXWARDEN_OUTBOUND_PORTS', '443,65536'],
    ['PIXWARDEN_FETCH_TIMEOUT_MS', '60000'],
    ['PIXWARDEN_WEBHOOK_RETRY_SECONDS', '5,soon'],
    ['PIXWARDEN_WEBHOOK_RETRY_SECONDS', '5,-1'],
    ['PIXWARDEN_WEBHOOK_RETRY_SECONDS', '604801'],
    ['PIXWARDEN_WEBHOOK_RETRY_SECONDS', '1,'.repeat(50)],
    ['PIXWARDEN_TRUST_PROXY', 'proxy.internal'],
    ['PIXWARDEN_TRUST_PROXY', '10.1.0.0/33'],
    ['PIXWARDEN_TRUST_PROXY', '11'],
    ['PIXWARDEN_SECRET_KEY', 'c2hvcnQ='],
    ['PIXWARDEN_SECRET_KEY', `${'A'.repeat(43)}=,`],
  ])('%s=%s is refused by its name', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(`^${name}: .`)])
  })

  test('that does not exist is refused, because it is a typing error', () => {
    expect(problemsOf({ PIXWARDEN_BACTH_SIZE: '4' })).toEqual(['PIXWARDEN_BACTH_SIZE: no such setting'])
  })
})

test('every problem is reported at once, and none repeats a secret', () => {
  const env = { DATABASE_URL: 'mysql://user:secret@db', PORT: 'x', PIXWARDEN_DECODERS: '0', PIXWARDEN_COLOUR: 'red' }
  expect(problemsOf(env).map((problem) => problem.split(':')[0])).toEqual(Object.keys(env))
  expect(() => readConfig(env)).toThrow(/DATABASE_URL: .*\n.*PORT: .*\n.*PIXWARDEN_DECODERS: .*\n.*PIXWARDEN_COLOUR: /)
  expect(() => readConfig(env)).not.toThrow(/secret/)
})

test('an api or a worker by itself needs a database', () => {
  const databaseUrl = 'postgres://db/moderation'
  expect(requireDatabaseUrl(readConfig({ DATABASE_URL: databaseUrl }))).toBe(databaseUrl)
  expect(() => requireDatabaseUrl(readConfig({}))).toThrow(/DATABASE_URL: needed/)
})
