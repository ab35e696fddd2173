import { v7 as uuidv7 } from 'uuid'
import type { Conclusion } from '../../services/core/domain/decision.ts'
import { type Database, openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { migrate } from '../../services/core/infra/migrate.ts'
import type { NewUpload } from '../../services/core/infra/upload-store.ts'
import { createTestDatabase, type TestDatabase } from './postgres.ts'

/** A migrated database of one's own; `server` sees it as an administrator does. */
export type TestStore = { database: Database; server: TestDatabase; close(): Promise<void> }

export async function openTestStore({ pool = 25 } = {}): Promise<TestStore> {
  const server = await createTestDatabase()
  const log = silentLogger()
  await migrate({ databaseUrl: server.url, databaseSchema: 'pixwarden', redisUrl: 'redis://unused' }, log)
  const database = openDatabase({ url: server.url, schema: 'pixwarden', pool, log })
  return {
    database,
    server,
    async close() {
      await database.close()
      await server.drop()
    },
  }
}

export function newUpload(values: Partial<NewUpload> = {}): NewUpload {
  const id = values.id ?? uuidv7()
  const tenant = values.tenant ?? 'default'
  return { id, tenant, sha256: 'ab'.repeat(32), mime: 'image/png', byteSize: 68, blobKey: `${tenant}/${id}`, ...values }
}

export function newConclusion(values: Partial<Conclusion> = {}): Conclusion {
  return { action: 'approve', reasonCodes: [], verdicts: [], embeddings: [], timings: { queue: 1 }, ...values }
}
