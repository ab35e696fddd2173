import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { createApi } from '../../services/api/create-api.ts'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import type { Scope } from '../../services/core/domain/scopes.ts'
import { readConfig } from '../../services/core/infra/config.ts'
import { openDatabase } from '../../services/core/infra/database.ts'
import { createPgApiKeyStore } from '../../services/core/infra/pg-api-key-store.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import { createTestDatabase } from './postgres.ts'
import { sample } from './service.ts'

export type TestApi = Awaited<ReturnType<typeof startApi>>

const POLICY = `id: animals
title: Animals
description: Cats and dogs.
limits: Drawings are not seen.
mode: enforce
rules:
  - id: animal
    concepts: [a cat, a dog]
    contrast: [a toy]
    thresholds: { flag: 0.6, reject: 0.98 }
`

export type StartApiOptions = {
  env?: Record<string, string>
  /** What the api connects to instead of the test's database, such as a proxy before it. */
  through?: (databaseUrl: string) => string | Promise<string>
}

/** The api in this process, on a database and folders of its own, with no worker: tests conclude uploads themselves. */
export async function startApi({ env = {}, through = (url) => url }: StartApiOptions = {}) {
  const database = await createTestDatabase()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-api-'))
  const policies = path.join(dir, 'policies')
  const blobs = env.PIXWARDEN_BLOB_DIR ?? path.join(dir, 'blobs')
  await mkdir(policies)
  await writeFile(path.join(policies, 'animals.yaml'), POLICY)
  const logged: string[] = []
  const log = pino({ level: 'trace' }, collect(logged))
  const config = readConfig({
    DATABASE_URL: await through(database.url),
    PORT: '0',
    PIXWARDEN_BLOB_DIR: blobs,
    PIXWARDEN_DATA_DIR: dir,
    PIXWARDEN_POLICIES: policies,
    ...env,
  })
  const api = await createApi(config, log)
  const { port, metricsPort } = await api.start()
  const url = `http://127.0.0.1:${port}`

  const direct = openDatabase({ url: database.url, schema: config.databaseSchema, pool: 2, log })
  const keys = createPgApiKeyStore(direct)
  const uploads = createPgUploadStore(direct)
  const createKey = async (scopes: Scope[] = ['admin'], tenant = 'default') =>
    (await keys.create({ tenant, name: 'test', scopes })).secret
  const key = await createKey()

  const call = (route: string, init: RequestInit = {}) =>
    fetch(`${url}${route}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } })

  return {
    url,
    port,
    metricsPort,
    key,
    policies,
    blobs,
    /** Lines of the log, as they were written. */
    logged,
    database,
    uploads,
    keys,
    createKey,
    call,
    /** Posts a raw body. */
    post: (
      body: Uint8Array | ReadableStream,
      { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
    ) =>
      call(`/v1/uploads${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', ...headers },
        body,
        ...(body instanceof ReadableStream && { duplex: 'half' }),
      } as RequestInit),
    /** Decides an upload, as a worker would. */
    async conclude(id: string, conclusion: Partial<Conclusion> = {}) {
      const claimed = await uploads.claim(id)
      if (!claimed) throw new Error(`${id} is not pending`)
      await uploads.conclude(claimed, {
        action: 'approve',
        reasonCodes: [],
        verdicts: [],
        embeddings: [],
        timings: {},
        ...conclusion,
      })
    },
    /** What is left of uploads: rows, and files in the blob folder. */
    async remains() {
      const { rows } = await database.query('SELECT id FROM pixwarden.uploads')
      return { rows: rows.length, files: await filesUnder(blobs) }
    },
    stop: () => api.stop(),
    async discard() {
      await api.stop()
      await direct.close()
      await database.drop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export const cat = () => sample('cat.jpg')

export function form(file: Uint8Array | undefined, fields: Record<string, string> = {}, name = 'photo.jpg'): FormData {
  const data = new FormData()
  for (const [field, value] of Object.entries(fields)) data.append(field, value)
  if (file) data.append('file', new Blob([file]), name)
  return data
}

function collect(lines: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(...chunk.toString().split('\n').filter(Boolean))
      done()
    },
  })
}

async function filesUnder(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).length
}
