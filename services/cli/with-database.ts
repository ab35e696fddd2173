import { AppError } from '../core/domain/errors.ts'
import type { Config } from '../core/infra/config.ts'
import { type Database, openDatabase } from '../core/infra/database.ts'
import { silentLogger } from '../core/infra/logger.ts'
import { migrate } from '../core/infra/migrate.ts'
import { isRunning } from '../core/infra/running-process.ts'
import { readRuntimeFile } from '../core/infra/runtime-file.ts'
import { type Env, readSettings } from './settings.ts'

/**
 * Runs `work` on the database that DATABASE_URL names, else of the standalone service that runs in the data directory. A new database gets its
 * tables, for a key is often made first. `kept` names what is in it: "keys are". Throws AppError `invalid-config` when there is neither, `store-unavailable`.
 */
export async function withDatabase<T>(env: Env, kept: string, work: (database: Database) => Promise<T>): Promise<T> {
  const config = readSettings(env, {})
  const log = silentLogger()
  const url = config.databaseUrl ?? (await runningDatabase(config, kept))
  await migrate({ ...config, databaseUrl: url }, log)
  const database = openDatabase({ url, schema: config.databaseSchema, pool: 2, log })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

async function runningDatabase({ dataDir }: Config, kept: string): Promise<string> {
  const runtime = await readRuntimeFile(dataDir)
  if (runtime && isRunning(runtime.pid)) return runtime.databaseUrl
  throw new AppError(
    'invalid-config',
    `${kept} kept in a database: set DATABASE_URL, or start the service whose data is in ${dataDir}`,
  )
}
