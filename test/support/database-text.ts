import type { TestDatabase } from './postgres.ts'

/** Every row of every table of ours, and of the queue's, as PostgreSQL writes it: to look for what must not be there. */
export async function databaseText({ query }: TestDatabase): Promise<string> {
  const tables = await query(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
  )
  const texts = tables.rows.map(
    async ({ name }) => (await query(`SELECT string_agg(t::text, E'\\n') AS text FROM ${name} AS t`)).rows[0].text,
  )
  return (await Promise.all(texts)).join('\n')
}
