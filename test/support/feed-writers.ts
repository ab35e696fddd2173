import { Client } from 'pg'
import { writeEvents } from './feed.ts'

export type WriterOptions = { url: string; writers: number; each: number; longestMs: number }

/**
 * Writes events in transactions that overlap, and end in another order than they begin; some of them are rolled back. Each has two events, with numbers that no other has.
 * Resolves to when each event was committed, by `performance.now()`.
 */
export async function writeOutOfOrder({ url, writers, each, longestMs }: WriterOptions): Promise<Map<number, number>> {
  const committed = new Map<number, number>()

  async function write(writer: number): Promise<void> {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      for (let round = 0; round < each; round++) {
        const number = 2 * (writer * each + round)
        await client.query('BEGIN')
        await writeEvents(client, [number])
        await client.query('SELECT pg_sleep($1)', [(longestMs / 1000) * Math.random()])
        await writeEvents(client, [number + 1])
        const isKept = round % 10 !== 9
        const endedAt = performance.now()
        await client.query(isKept ? 'COMMIT' : 'ROLLBACK')
        if (isKept) for (const each of [number, number + 1]) committed.set(each, endedAt)
      }
    } finally {
      await client.end()
    }
  }

  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  return committed
}
