import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely'
import { Pool, type PoolClient, type QueryResult, type QueryResultRow } from 'pg'
import type { Logger } from './logger.ts'
import { asStatementError, asStoreError } from './store-error.ts'
import type { Tables } from './tables.ts'

/** A server that does not answer in this time counts as down; the client waits a little longer than the server would. */
const CONNECT_TIMEOUT_MS = 3000
const STATEMENT_TIMEOUT_MS = 5000
const PATIENCE_MS = 1000
/** Compiling would take longer than what is read. */
const READ_ONLY = '-c default_transaction_read_only=on -c jit=off'

/** A statement that each connection prepares once, under `name`. */
export type Statement = { name: string; text: string }

/** A pool of connections. Whatever runs through it throws AppError `store-unavailable` when PostgreSQL cannot serve. */
export type Database = {
  /** The connection string, with the schema in its search path. */
  url: string
  kysely: Kysely<Tables>
  /** For statements that run for every upload: prepared, and not built anew each time. */
  run<Row extends QueryResultRow>(statement: Statement, values: unknown[]): Promise<QueryResult<Row>>
  close(): Promise<void>
}

export type DatabaseOptions = {
  url: string
  schema: string
  /** The most connections at once. */
  pool: number
  /** For statistics: nothing can be written, and no statement may take longer. */
  readOnly?: { timeoutMs: number }
  log: Logger
}

/** Connects when it is first used. */
export function openDatabase({ url, schema, pool: max, readOnly, log }: DatabaseOptions): Database {
  const inSchema = withSearchPath(url, schema)
  const connectionString = readOnly ? withOptions(inSchema, READ_ONLY) : inSchema
  const timeoutMs = readOnly?.timeoutMs ?? STATEMENT_TIMEOUT_MS
  const pool = new Pool({
    connectionString,
    max,
    application_name: 'pixwarden',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + PATIENCE_MS,
    keepAlive: true,
  })
  pool.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'))
  // A connection that breaks while it is lent emits 'error' besides failing its query, which without a listener ends the process.
  pool.on('connect', (client) => client.on('error', () => {}))

  const connect = async () => guard(await pool.connect().catch(rethrow))
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: { connect, end: () => pool.end() } }) })
  return {
    url: connectionString,
    kysely,
    async run(statement, values) {
      const client = await pool.connect().catch(rethrow)
      try {
        const result = await client.query({ ...statement, values })
        client.release()
        return result
      } catch (error) {
        return releaseBroken(client, error)
      }
    },
    close: () => kysely.destroy(),
  }
}

/** Adds the schema to the options of a connection string, after what they say already. */
export function withSearchPath(url: string, schema: string): string {
  return withOptions(url, `-c search_path=${schema}`)
}

function withOptions(url: string, added: string): string {
  const parsed = new URL(url)
  const options = [parsed.searchParams.get('options'), added]
  parsed.searchParams.set('options', options.filter((option) => option !== null).join(' '))
  return parsed.href
}

/** A client that throws our errors, and goes back to the pool only when it is still usable. */
function guard(client: PoolClient): PostgresPoolClient {
  let broken: Error | undefined
  const query = async (sql: string, values: readonly unknown[]) => {
    try {
      return await client.query(sql, [...values])
    } catch (error) {
      const thrown = asStatementError(error)
      if (thrown !== error) broken = error as Error
      throw thrown
    }
  }
  // Kysely's type also has cursors, which are not used here.
  return { query, release: () => client.release(broken) } as unknown as PostgresPoolClient
}

function releaseBroken(client: PoolClient, error: unknown): never {
  const thrown = asStatementError(error)
  client.release(thrown === error ? undefined : (error as Error))
  throw thrown
}

function rethrow(error: unknown): never {
  throw asStoreError(error)
}
