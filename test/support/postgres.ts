import { randomBytes } from 'node:crypto'
import { Client, Pool, type QueryResult } from 'pg'

export type TestDatabase = {
  url: string
  query(sql: string, values?: unknown[]): Promise<QueryResult>
  drop(): Promise<void>
}

/**
 * A database of one's own: on the server of TEST_DATABASE_URL, whose user may create some, or else on the embedded one that
 * the run of the tests shares.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_DATABASE_URL ?? (await borrowServer())
  const name = `test_${randomBytes(8).toString('hex')}`
  await run(server, `CREATE DATABASE ${name}`)
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
  const pool = new Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})
  return {
    url,
    query: (sql, values) => pool.query(sql, values),
    async drop() {
      await pool.end()
      await run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

/** The global setup of vitest lends a server: it starts when the first test asks. */
async function borrowServer(): Promise<string> {
  const lender = process.env.TEST_DATABASE_LENDER
  if (!lender) throw new Error('outside vitest a test database needs TEST_DATABASE_URL')
  const response = await fetch(lender)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
}

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
