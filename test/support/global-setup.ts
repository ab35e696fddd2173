import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { startThrowawayPostgres } from './throwaway-postgres.ts'

let lender: Server | undefined
let postgres: ReturnType<typeof startThrowawayPostgres> | undefined
let modelCaches: string | undefined

/**
 * Lends one PostgreSQL to all test files of a run, which starts with the first that asks, so that unit tests do without; and a folder in which services find
 * what those before them have made of the model.
 */
export async function setup(): Promise<void> {
  lender = createServer((_request, response) => {
    postgres ??= startThrowawayPostgres()
    postgres.then(
      ({ url }) => response.end(url),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  await new Promise<void>((resolve) => lender?.listen(0, '127.0.0.1', resolve))
  process.env.TEST_DATABASE_LENDER = `http://127.0.0.1:${(lender.address() as AddressInfo).port}`
  modelCaches = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-test-caches-'))
  process.env.TEST_MODEL_CACHES = modelCaches
}

export async function teardown(): Promise<void> {
  lender?.close()
  lender?.closeAllConnections()
  await (await postgres?.catch(() => undefined))?.stop()
  if (modelCaches) await rm(modelCaches, { recursive: true, force: true })
}
