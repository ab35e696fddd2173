import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { runMigrations } from 'bullmq'
import { Client } from 'pg'
import { AppError } from '../domain/errors.ts'
import { type Config, requireDatabaseUrl } from './config.ts'
import type { Logger } from './logger.ts'
import { packageRoot } from './package-root.ts'
import { queueSchema } from './queue-connection.ts'
import { asStoreError } from './store-error.ts'

const FOLDER = path.join(packageRoot, 'services', 'core', 'infra', 'migrations')

export type MigrateOptions = Pick<Config, 'databaseUrl' | 'databaseSchema' | 'redisUrl'>
type Migration = { name: string; sql: string; checksum: string }

/**
 * Brings the schema up to date, and without Redis the queue's too. Processes that do so at the same moment wait for each other.
 * Throws AppError `invalid-config` without a database, for one that lets us not in, or for a migration that was edited after it was applied, `store-unavailable`.
 */
export async function migrate(config: MigrateOptions, log: Logger, folder = FOLDER): Promise<void> {
  const migrations = await readMigrations(folder)
  const { databaseSchema: schema } = config
  await withClient(requireDatabaseUrl(config), async (client) => {
    await client.query("SELECT pg_advisory_lock(hashtext('pixwarden migrations'), hashtext($1))", [schema])
    await createSchema(client, schema)
    await applyAll(client, migrations, log)
    if (config.redisUrl === undefined) await runMigrations(client, queueSchema(schema))
  })
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(path.join(folder, name), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/** A client of its own, whose end releases the lock; it may wait for as long as a migration takes. */
async function withClient(connectionString: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString, application_name: 'pixwarden-migrate', connectionTimeoutMillis: 10_000 })
  client.on('error', () => {})
  try {
    await client.connect().catch(refused)
    await work(client)
  } catch (error) {
    throw asStoreError(error)
  } finally {
    await client.end().catch(() => {})
  }
}

/** The server is there, and knows neither this user with this password nor this database: SQLSTATEs 28 and 3D. */
function refused(error: Error & { code?: string }): never {
  if (!/^(28|3D)...$/.test(error.code ?? '')) throw error
  throw new AppError('invalid-config', `configuration:\n  DATABASE_URL: ${error.message}`, { cause: error })
}

/** CREATE SCHEMA IF NOT EXISTS asks for the right to create one even when it exists. */
async function createSchema(client: Client, schema: string): Promise<void> {
  const { rows } = await client.query('SELECT to_regnamespace($1) IS NOT NULL AS exists', [schema])
  if (!rows[0].exists) await client.query(`CREATE SCHEMA ${client.escapeIdentifier(schema)}`)
  await client.query("SELECT set_config('search_path', $1, false)", [schema])
}

async function applyAll(client: Client, migrations: Migration[], log: Logger): Promise<void> {
  await client.query(`CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
  const { rows } = await client.query<{ name: string; checksum: string }>('SELECT name, checksum FROM migrations')
  const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]))
  for (const migration of migrations) {
    const checksum = applied.get(migration.name)
    if (checksum === undefined) await apply(client, migration, log)
    else if (checksum !== migration.checksum) throw edited(migration)
  }
}

async function apply(client: Client, { name, sql, checksum }: Migration, log: Logger): Promise<void> {
  try {
    await client.query('BEGIN')
    await client.query(sql)
    await client.query('INSERT INTO migrations (name, checksum) VALUES ($1, $2)', [name, checksum])
    await client.query('COMMIT')
  } catch (error) {
    const thrown = asStoreError(error)
    throw thrown === error ? new Error(`migration ${name}: ${(error as Error).message}`, { cause: error }) : thrown
  }
  log.info({ migration: name }, 'database migrated')
}

function edited({ name }: Migration): AppError {
  return new AppError(
    'invalid-config',
    `database: migration ${name} was edited after it was applied: put it back as it was, and add another`,
  )
}
